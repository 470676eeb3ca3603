import { rm } from 'node:fs/promises';
import type { GuestPaths } from '../layout.js';
import type { Accel } from '../machine/accel.js';

/** The memory of a guest that is off, with which its next start resumes it. */
export interface SavedMemory {
  /** When it was saved, in milliseconds since 1970. */
  at: number;
  /** Of its file. */
  bytes: number;
  /** The version of the QEMU that saved it, such as `7.2.22`. */
  qemu: string;
  accel: Accel;
  /** The memory that QEMU was started with, in MB: less than the guest has when it has grown since. */
  base: number;
  /** The generation of the guest's disks; absent when they were never rolled back. */
  generation?: string | undefined;
  /** Whether a start has let the guest run with it: it no longer belongs to the disks then. */
  used?: boolean;
}

/** A save that is under way. */
export interface SavingRecord {
  /** Whether the guest was paused before. */
  paused: boolean;
  /** Whether the memory is for a snapshot, and the guest runs meanwhile. */
  forSnapshot?: boolean;
}

/** What clients see as the reason of a guest that is off with its memory saved. */
export const SAVED_REASON = 'saved';

/** What a guest's record says of memory once the guest runs. */
export const NO_MEMORY = { saved: undefined, saving: undefined } as const;

/** Where the memory is until all of it is there. */
export const draftOf = ({ memory }: Pick<GuestPaths, 'memory'>): string => `${memory}+new`;

/** Removes the files of a guest's memory. */
export const removeMemory = async (paths: GuestPaths): Promise<void> => {
  await rm(paths.memory, { force: true });
  await rm(draftOf(paths), { force: true });
};
