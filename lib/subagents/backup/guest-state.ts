import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../files/atomic-files.js';
import { readStateFile, stateText } from '../../files/state-file.js';
import type { BackedUpDisk } from '../../model/backup.js';

/** The last backup of a guest that was made here and checked. */
export interface LastBackup {
  backup: string;
  /** The id of its snapshot, in part. */
  snapshot: string;
  /** The run that made it: see `Runs`. */
  run: string;
  disks: BackedUpDisk[];
}

/** What this host knows about a guest's backups. */
export interface GuestState {
  last?: LastBackup;
  /** Present while the guest's tree on disk is as its last backup. */
  tree?: {
    /** The boot of the host that wrote it: after a power cut it may be incomplete. */
    boot: string;
    /** The latest modification time in it, in seconds since 1970. */
    stamp: number;
  };
  /** Whether the next backup must read and store everything, without relying on an earlier one. */
  fresh?: boolean;
}

/** Returns the id of this boot of the host: random(4). */
export const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** The states of guests, one file each. */
export class GuestStates {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = join(dir, 'guests');
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
  }

  async read(guest: string): Promise<GuestState> {
    return (await readStateFile<GuestState>(this.#path(guest))) ?? {};
  }

  async write(guest: string, state: GuestState): Promise<void> {
    await replaceFile(this.#path(guest), stateText(state));
  }

  #path(guest: string): string {
    return join(this.#dir, `${guest}.json`);
  }
}
