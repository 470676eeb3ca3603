import type { Entry } from '../entry.js';
import type { Host } from '../launch.js';
import type { Watch } from '../watch.js';
import { removeNicParts } from './plug.js';
import { type NicRecord, nicRecord, type OwnNic, withoutNic } from './record.js';

/** Removes a NIC that the running guest has let go of. */
export const finishRemoval = async (host: Host, entry: Entry, watch: Watch, own: OwnNic): Promise<void> => {
  const record = nicRecord(entry);
  await removeNicParts(host, entry, watch, record, own);
  await entry.update(withoutNic(record, own.nic.name ?? ''));
};

/** Removes the NICs of a guest that is off which it did not let go of while it ran. */
export const dropRemovedNics = async (entry: Entry): Promise<boolean> => {
  const removed = entry.record.definition.nics.filter(({ removing }) => removing);
  if (removed.length === 0) return false;
  const left = removed.reduce<NicRecord>(
    (record, { name = '' }) => withoutNic(record, name),
    nicRecord(entry),
  );
  await entry.update(left);
  return true;
};
