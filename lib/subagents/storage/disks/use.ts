import { toMb } from '../../../model/units.js';
import type { GuestRequest } from '../../../rpc/protocol/guest-messages.js';
import type { DiskUseResponse } from '../../../rpc/protocol/space-messages.js';
import type { DiskStore } from '../disk-store.js';

/** `ImageStore.DiskUse`: what each of a guest's disks takes. A disk that just vanished is left out. */
export const diskUseMethod =
  (store: DiskStore) =>
  async ({ guest }: GuestRequest): Promise<DiskUseResponse> => {
    const disks = (await store.findDisks(guest.id)) ?? [];
    const bytes = await store.diskUse(guest.id, disks);
    return {
      disks: disks.flatMap(({ volume }, index) => {
        const usedBytes = bytes[index];
        return usedBytes === undefined ? [] : [{ volume, used: toMb(usedBytes) }];
      }),
    };
  };
