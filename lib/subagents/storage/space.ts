import { MB, toMb } from '../../model/units.js';
import type { StorageSpaceRequest, StorageSpaceResponse } from '../../rpc/protocol/space-messages.js';
import type { DiskStore } from './disk-store.js';
import { describeLeftover } from './leftovers.js';

/** `ImageStore.Space`. Free space is rounded down. */
export const spaceMethod =
  (store: DiskStore) =>
  async ({ leftovers: withLeftovers }: StorageSpaceRequest): Promise<StorageSpaceResponse> => {
    const [{ sizeBytes, freeBytes, usedBytes }, leftovers] = await Promise.all([
      store.space(),
      withLeftovers ? store.leftovers() : [],
    ]);
    return {
      size: toMb(sizeBytes),
      free: Math.floor(freeBytes / MB),
      used: toMb(usedBytes),
      leftovers: leftovers.map(describeLeftover),
    };
  };
