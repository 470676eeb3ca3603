import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, OWNER_ONLY } from '../../files/atomic-files.js';
import type { HistoryValues } from '../../model/history.js';
import { Ring } from './ring.js';

/** A directory with a ring in each file. A crash may lose the last writes, because they are not synced. */
export class RingFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Creates the directory, and removes the files that are not to be kept. */
  async open(isKept: (name: string) => boolean): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#directory);
    await Promise.all(names.filter((name) => !isKept(name)).map((name) => this.remove(name)));
  }

  async read(name: string): Promise<Ring> {
    return new Ring(await ifExists(readFile(this.#path(name))));
  }

  /** Adds measurements to a ring, by minute; creates the ring when there is none. */
  async add(name: string, minutes: ReadonlyMap<number, HistoryValues>): Promise<void> {
    const file =
      (await ifExists(open(this.#path(name), 'r+'))) ?? (await open(this.#path(name), 'w+', OWNER_ONLY));
    try {
      const ring = new Ring(await file.readFile());
      ring.add(minutes);
      for (const { start, bytes } of ring.changes()) await file.write(bytes, 0, bytes.length, start);
    } finally {
      await file.close();
    }
  }

  remove(name: string): Promise<void> {
    return rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
