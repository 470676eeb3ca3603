import type { DiskUse } from '../../model/disk-use.js';
import { type Guest, isContainer } from '../../model/guest.js';
import type { GuestRequest } from '../../rpc/protocol/guest-messages.js';
import { type DiskUseResponse, diskUseResponseSchema } from '../../rpc/protocol/space-messages.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';

/** Reads what each volume of a guest takes, in MB. */
const readUse = async (
  runtime: Runtime,
  guest: Guest,
  signal?: AbortSignal,
): Promise<Map<string, number>> => {
  const { result } = await runtime.query<GuestRequest, DiskUseResponse>(
    guest.id,
    runtime.action('diskUse'),
    {
      request: ({ args }) => ({ guest, action: 'diskUse', ...(args ? { args } : {}) }),
      onResponse: requireShape(diskUseResponseSchema),
    },
    signal,
  );
  return new Map((result?.disks ?? []).map(({ volume, used }) => [volume, used]));
};

/**
 * Lists a guest's disks with what they take. Only `used` comes from a sub-agent: it is absent for containers, for disks
 * that the sub-agent does not know, and without the action in the config.
 */
export const listDiskUse = async (
  runtime: Runtime,
  guest: Guest,
  signal?: AbortSignal,
): Promise<DiskUse[]> => {
  const { disks = [] } = guest;
  if (disks.length === 0 || isContainer(guest) || !runtime.isConfigured('diskUse')) return disks;
  const use = await readUse(runtime, guest, signal);
  return disks.map((disk) => {
    const used = use.get(disk.volume);
    return used === undefined ? disk : { ...disk, used };
  });
};
