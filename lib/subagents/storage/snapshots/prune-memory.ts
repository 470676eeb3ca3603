import type { DiskStore } from '../disk-store.js';
import { memoryBytes, removeMemory } from './memory.js';

/** Removes the memory of snapshots that no disk of the guest has any longer, because a rollback has destroyed them. */
export const pruneMemory = async (store: DiskStore, guest: string): Promise<void> => {
  const found = await memoryBytes(store, guest);
  if (found.size === 0) return;
  const disks = [...((await store.findDisks(guest)) ?? []), ...(await store.keptDisks(guest))];
  const lists = await Promise.all(disks.map((disk) => store.snapshots(disk)));
  const names = new Set(lists.flat().map(({ name }) => name));
  for (const name of found.keys()) if (!names.has(name)) await removeMemory(store, guest, name);
};
