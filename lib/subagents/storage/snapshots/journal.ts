import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { orMissing, replaceFile, sync } from '../../../files/atomic-files.js';
import type { StoredDisk } from '../disk-store.js';

/** What is being done to the snapshots of a guest's disks, one after the other. */
export interface Intent {
  action: 'create' | 'delete' | 'rollback';
  /** The snapshot's name. */
  name: string;
  /** The disks' numbers. */
  disks: number[];
}

export const intentOf = (action: Intent['action'], name: string, disks: StoredDisk[]): Intent => ({
  action,
  name,
  disks: disks.map(({ index }) => index),
});

const SUFFIX = '.json';

/** Keeps on the device what is under way, a file for each guest, so that the next process can settle it. */
export class Journal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#dir))
      if (!name.endsWith(SUFFIX)) await rm(join(this.#dir, name), { force: true });
  }

  /** The guests that something was under way for. */
  async guests(): Promise<string[]> {
    return (await readdir(this.#dir)).map((name) => name.slice(0, -SUFFIX.length));
  }

  async find(guest: string): Promise<Intent | undefined> {
    const text = await orMissing(readFile(this.#path(guest), 'utf8'));
    return text === undefined ? undefined : (JSON.parse(text) as Intent);
  }

  async write(guest: string, intent: Intent): Promise<void> {
    await replaceFile(this.#path(guest), `${JSON.stringify(intent)}\n`);
  }

  async clear(guest: string): Promise<void> {
    await rm(this.#path(guest), { force: true });
    await sync(this.#dir);
  }

  #path(guest: string): string {
    return join(this.#dir, `${guest}${SUFFIX}`);
  }
}
