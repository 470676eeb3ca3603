import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { replaceFile } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';
import type { ImageContent } from '../../../model/image.js';
import type { DiskStore } from '../disk-store.js';
import { contentOf } from './content.js';
import { imageReader } from './read-image.js';

/** What is known of an image, and the file in which it was found. */
interface ContentRecord extends ImageContent {
  path: string;
}

/** Remembers the content of each image, one file an image: to look takes longer than to list. */
export class Contents {
  readonly #dir: string;
  readonly #store: DiskStore;
  readonly #log: Logger;
  readonly #known = new Map<string, ContentRecord>();

  constructor(dir: string, store: DiskStore, log: Logger) {
    this.#dir = dir;
    this.#store = store;
    this.#log = log;
  }

  /** Reads what is known of the images `ids`, and forgets others. */
  async open(ids: readonly string[]): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const names = new Map(ids.map((id) => [encodeURIComponent(id), id]));
    for (const name of await readdir(this.#dir)) {
      const id = names.get(name);
      const record = id === undefined ? undefined : await this.#read(name);
      if (id !== undefined && record) this.#known.set(id, record);
      else await rm(join(this.#dir, name), { force: true });
    }
  }

  /** Looks at those of the images `ids` that nothing is known of, one after the other. Never rejects. */
  async learnAll(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (const id of ids) {
      if (signal.aborted) return;
      if (!this.#known.has(id)) await this.learn(id);
    }
  }

  find(id: string): ImageContent | undefined {
    const record = this.#known.get(id);
    return record && { kind: record.kind, boots: record.boots };
  }

  /** Looks at an image, unless its present version is known. Logs a failure: nothing depends on the outcome. */
  async learn(id: string): Promise<void> {
    try {
      const file = await this.#store.imageFile(id);
      if (this.#known.get(id)?.path === file.path) return;
      const content = await contentOf(imageReader(file, this.#store.workDir));
      const record = { ...content, path: file.path };
      await replaceFile(this.#pathOf(id), `${JSON.stringify(record)}\n`);
      this.#known.set(id, record);
    } catch (error) {
      this.#log.warn({ image: id }, `content of the image not found out: ${errorMessage(error)}`);
    }
  }

  async forget(id: string): Promise<void> {
    this.#known.delete(id);
    await rm(this.#pathOf(id), { force: true });
  }

  async #read(name: string): Promise<ContentRecord | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#dir, name), 'utf8')) as ContentRecord;
    } catch {
      return undefined;
    }
  }

  #pathOf(id: string): string {
    return join(this.#dir, encodeURIComponent(id));
  }
}
