import type { Creation, GuestTask } from '../../model/actions.js';
import { type Guest, type Nic, normalizeNic } from '../../model/guest.js';
import { type NicChanges, nicOf, patchedNic } from '../../model/nic-changes.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';

/**
 * Returns the NIC that an action adds to a guest, or the one that it changes, as it will be; `undefined` for all other
 * actions. A change was validated before its job was stored.
 */
export const changedNic = (
  guest: Pick<Guest, 'nics'>,
  action: Creation | GuestTask,
  change: GuestChange | undefined,
): Nic | undefined => {
  if (action === 'addNic') return normalizeNic((change as unknown as NicChanges['addNic']).nic);
  if (action !== 'changeNic') return undefined;
  const { name, nic: patch } = change as unknown as NicChanges['changeNic'];
  const nic = nicOf(guest, name);
  return nic && patchedNic(nic, patch);
};

/** Returns the NICs of a guest with the one that an action adds or changes. */
export const withChangedNic = ({ nics = [] }: Pick<Guest, 'nics'>, changed: Nic): Nic[] =>
  nics.some(({ name }) => name === changed.name)
    ? nics.map((nic) => (nic.name === changed.name ? changed : nic))
    : [...nics, changed];
