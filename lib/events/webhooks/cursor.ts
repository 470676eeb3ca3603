import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../files/atomic-files.js';

/** Names the file of a URL by its hash: a URL is no file name and may contain a password. */
const fileNameOf = (url: string): string =>
  `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`;

/** The id of the last event that a webhook delivered. It survives restarts. */
export class Cursor {
  readonly #path: string;
  #after: number;

  private constructor(path: string, after: number) {
    this.#path = path;
    this.#after = after;
  }

  /**
   * Opens the cursor of a URL.
   * @param directory created when it does not exist
   * @param start where a webhook without a cursor begins
   */
  static async open(directory: string, url: string, start: number): Promise<Cursor> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, fileNameOf(url));
    const text = await ifExists(readFile(path, 'utf8'));
    if (text === undefined) {
      const cursor = new Cursor(path, start);
      await cursor.save(start);
      return cursor;
    }
    // A crash may leave the file empty: deliver events twice rather than never.
    const after = /^\{"after":(\d{1,16})\}$/.exec(text)?.[1];
    return new Cursor(path, Number(after ?? 0));
  }

  get after(): number {
    return this.#after;
  }

  /** Writes the cursor without a sync: after a crash some events are delivered twice, and none is skipped. */
  async save(after: number): Promise<void> {
    this.#after = after;
    await writeFile(`${this.#path}.new`, JSON.stringify({ after }), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}

/** Removes the cursors of webhooks that are no longer in the config. */
export const removeOtherCursors = async (directory: string, urls: readonly string[]): Promise<void> => {
  const known = new Set(urls.map(fileNameOf));
  const names = await readdir(directory).catch(() => []);
  await Promise.all(
    names.filter((name) => !known.has(name)).map((name) => rm(join(directory, name), { force: true })),
  );
};
