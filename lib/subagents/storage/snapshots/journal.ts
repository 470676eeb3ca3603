import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, sync } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { SnapshotAction, StoredDisk } from '../stored.js';

/** An operation on the snapshots of a guest's disks that changes one disk after another. */
export interface Intent {
  action: SnapshotAction;
  /** The snapshot's name. */
  name: string;
  /** The disks' numbers. */
  disks: number[];
  /** Whether a creation is complete only once the guest's memory is added. */
  withMemory?: boolean;
  /** Present once a rollback has failed midway: the disks that are, or may be, not rolled back. */
  left?: number[];
  /** Why it failed. */
  reason?: string;
}

export const intentOf = (action: SnapshotAction, name: string, disks: StoredDisk[]): Intent => ({
  action,
  name,
  disks: disks.map(({ index }) => index),
});

const SUFFIX = '.json';

/**
 * Records on disk the operation in progress on each guest, one file a guest, so that the next process can recover it.
 */
export class Journal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Creates the directory and removes drafts that a killed process left. */
  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#dir))
      if (!name.endsWith(SUFFIX)) await rm(join(this.#dir, name), { force: true });
  }

  /** Lists the guests with an interrupted operation. */
  async guests(): Promise<string[]> {
    return (await readdir(this.#dir)).map((name) => name.slice(0, -SUFFIX.length));
  }

  async find(guest: string): Promise<Intent | undefined> {
    return readStateFile<Intent>(this.#path(guest));
  }

  async write(guest: string, intent: Intent): Promise<void> {
    await replaceFile(this.#path(guest), stateText(intent));
  }

  async clear(guest: string): Promise<void> {
    await rm(this.#path(guest), { force: true });
    await sync(this.#dir);
  }

  #path(guest: string): string {
    return join(this.#dir, `${guest}${SUFFIX}`);
  }
}
