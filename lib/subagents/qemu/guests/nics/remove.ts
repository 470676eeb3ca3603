import type { NicChanges } from '../../../../model/nic-changes.js';
import type { Entry } from '../entry.js';
import type { Guests } from '../guests.js';
import type { Watch } from '../watch.js';
import { unplugNic } from './plug.js';
import { findNic, type NicRecord, nicRecord, type OwnNic, withNic, withoutNic } from './record.js';
import { finishRemoval } from './removal.js';
import { type Changed, runningForChange } from './running.js';

/**
 * Takes a NIC from a running guest. The record says first that the NIC is being removed.
 * @returns whether it is gone; otherwise it goes once the guest lets go of it, or ends
 */
export const removeFromRunning = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  own: OwnNic,
): Promise<boolean> => {
  await entry.update(withNic(nicRecord(entry), { ...own.nic, removing: true }));
  const isGone = await unplugNic(watch, own, guests.lastState(entry).state === 'running');
  if (isGone) await finishRemoval(guests.host, entry, watch, own);
  return isGone;
};

const whyLater = (name: string, { isOnPort }: OwnNic): string =>
  isOnPort
    ? `the guest has not let go of NIC ${name} yet: its cable is unplugged, and the NIC goes as soon as the guest's operating system releases it, or at the guest's next restart`
    : `NIC ${name} goes at the guest's next start: its cable is unplugged until then. Shut the guest down and start it, or use reboot; restart is not enough`;

/** Removes a NIC from a guest. One that is not there is no error: an earlier attempt may have removed it. */
export const removeNic = (guests: Guests, id: string, { name }: NicChanges['removeNic']): Promise<Changed> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await runningForChange(guests, entry);
    const record = nicRecord(entry);
    const own = findNic(record, name);
    if (!own) return { entry, message: `the guest has no NIC ${name} any longer` };
    if (!watch) {
      await entry.update(withoutNic(record, name));
      return { entry, message: `NIC ${name} is removed` };
    }
    const isGone = await removeFromRunning(guests, entry, watch, own);
    return { entry, message: isGone ? `NIC ${name} is removed` : whyLater(name, own) };
  });

/** Returns the NICs that the guest would have after a removal. Changes nothing. */
export const checkRemoveNic = async (
  guests: Guests,
  id: string,
  { name }: NicChanges['removeNic'],
): Promise<NicRecord> => {
  const entry = guests.get(id);
  const watch = await runningForChange(guests, entry);
  const record = nicRecord(entry);
  const own = findNic(record, name);
  if (!own) return record;
  const isLater = watch !== undefined && !own.isOnPort;
  return isLater ? withNic(record, { ...own.nic, removing: true }) : withoutNic(record, name);
};
