import { listDevices } from '../devices.js';
import type { Entry } from '../entry.js';
import type { Host } from '../launch.js';
import type { Machines } from '../machines.js';
import { setLink } from './plug.js';
import { findNic, nicRecord } from './record.js';
import { dropRemovedNics, finishRemoval } from './removal.js';

export const isRemovingNics = ({ record }: Entry): boolean =>
  record.definition.nics.some(({ removing }) => removing);

/** Removes the NICs that the guest has let go of since their removal was asked for. Call it with the guest's lock. */
export const settleNics = async (host: Host, machines: Machines, entry: Entry): Promise<void> => {
  const { watch } = entry;
  const removed = entry.record.definition.nics.filter(({ removing }) => removing);
  if (removed.length === 0) return;
  if (!watch) await dropRemovedNics(entry);
  else {
    const devices = await listDevices(watch);
    for (const { name = '' } of removed) {
      const own = findNic(nicRecord(entry), name);
      if (own && !devices.has(own.device)) await finishRemoval(host, entry, watch, own);
    }
  }
  await machines.describe(entry);
};

/** Brings the cables of a guest whose NICs were changed into their recorded state, after an interrupted change. */
export const restoreLinks = async (entry: Entry): Promise<void> => {
  const { watch, record } = entry;
  if (!watch || !record.machine?.nics) return;
  for (const { name = '', link, removing } of record.definition.nics) {
    const own = findNic(nicRecord(entry), name);
    if (own) await setLink(watch, own.device, link !== 'down' && !removing);
  }
};
