import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../files/atomic-files.js';

/** A URL may have a password in it, and is no file name. */
const fileOf = (url: string): string => `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`;

/** How far a webhook has come: the id of the last event that was delivered. It survives restarts. */
export class Cursor {
  readonly #path: string;
  #after: number;

  private constructor(path: string, after: number) {
    this.#path = path;
    this.#after = after;
  }

  /**
   * @param directory is made when it is not there
   * @param beginning where a webhook begins that has never been there before
   */
  static async open(directory: string, url: string, beginning: number): Promise<Cursor> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, fileOf(url));
    const text = await ifExists(readFile(path, 'utf8'));
    if (text === undefined) {
      const cursor = new Cursor(path, beginning);
      await cursor.save(beginning);
      return cursor;
    }
    // A crash may have left it empty: what was delivered is then delivered again, rather than never.
    const after = /^\{"after":(\d{1,16})\}$/.exec(text)?.[1];
    return new Cursor(path, Number(after ?? 0));
  }

  get after(): number {
    return this.#after;
  }

  /** The disk is not waited for: after a crash some events are delivered twice, and none is left out. */
  async save(after: number): Promise<void> {
    this.#after = after;
    await writeFile(`${this.#path}.new`, JSON.stringify({ after }), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}

/** Forgets how far webhooks had come that are no longer in the config. */
export const removeOtherCursors = async (directory: string, urls: readonly string[]): Promise<void> => {
  const known = new Set(urls.map(fileOf));
  const names = await readdir(directory).catch(() => []);
  await Promise.all(
    names.filter((name) => !known.has(name)).map((name) => rm(join(directory, name), { force: true })),
  );
};
