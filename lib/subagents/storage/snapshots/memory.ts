import { readdir, rm, stat } from 'node:fs/promises';
import { ifExists, moveIntoPlace } from '../../../files/atomic-files.js';
import {
  checkpointFiles,
  checkpointsDir,
  draftCheckpoint,
  snapshotOfCheckpoint,
} from '../../shared/checkpoint-files.js';
import type { DiskStore } from '../disk-store.js';

type Store = Pick<DiskStore, 'guestDir'>;

const namesIn = async (dir: string): Promise<string[]> => (await ifExists(readdir(dir))) ?? [];

/** Lists the snapshots of a guest that have its memory. */
const withMemory = async (store: Store, guest: string): Promise<string[]> =>
  (await namesIn(checkpointsDir(store.guestDir(guest)))).flatMap((name) => snapshotOfCheckpoint(name) ?? []);

/** Returns the bytes that the memory in each of a guest's snapshots takes, by the snapshot's name. */
export const memoryBytes = async (store: Store, guest: string): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  for (const name of await withMemory(store, guest)) {
    const file = await ifExists(stat(checkpointFiles(store.guestDir(guest), name).memory));
    if (file) found.set(name, file.size);
  }
  return found;
};

/** Makes the memory that the qemu sub-agent has copied a part of a snapshot. */
export const adoptMemory = async (store: Store, guest: string, name: string): Promise<void> => {
  const dir = store.guestDir(guest);
  await moveIntoPlace(draftCheckpoint(dir).dir, checkpointFiles(dir, name).dir);
};

export const hasMemory = async (store: Store, guest: string, name: string): Promise<boolean> =>
  (await withMemory(store, guest)).includes(name);

/** Removes the memory of a snapshot. Without all of its disks nothing can be done with it. */
export const removeMemory = (store: Store, guest: string, name: string): Promise<void> =>
  rm(checkpointFiles(store.guestDir(guest), name).dir, { recursive: true, force: true });

/** Removes the memory that no snapshot got. */
export const removeDraft = (store: Store, guest: string): Promise<void> =>
  rm(draftCheckpoint(store.guestDir(guest)).dir, { recursive: true, force: true });

/** Removes all memory of a guest's snapshots. */
export const removeAllMemory = (store: Store, guest: string): Promise<void> =>
  rm(checkpointsDir(store.guestDir(guest)), { recursive: true, force: true });
