import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../../../errors.js';
import type { Nic } from '../../../../model/guest.js';
import { type NicChanges, patchedNic } from '../../../../model/nic-changes.js';
import { Refusal } from '../../../../rpc/protocol/refusal.js';
import { assertDistinctAddresses, completeNics } from '../../../shared/network/nics.js';
import type { Switch } from '../../../shared/network/switch.js';
import { hasOffload, moveTap } from '../../../shared/network/taps.js';
import { numberNics } from '../../machine/nic-numbers.js';
import type { Entry } from '../entry.js';
import type { Guests } from '../guests.js';
import type { Watch } from '../watch.js';
import { setLink } from './plug.js';
import { findNic, type NicRecord, nicRecord, type OwnNic, withNewSeed, withNic } from './record.js';
import { type Changed, runningForChange } from './running.js';

/** A guest reads the state of its cable once it is interrupted: a shorter break could go unnoticed. */
const UNPLUGGED_MS = 1000;

interface Plan {
  before: OwnNic;
  after: Nic;
  record: NicRecord;
  /** The switch that the NIC joins; absent when it stays where it is. */
  target?: Switch | undefined;
}

const networkOf = ({ network, vlans }: Nic): unknown => ({ network, vlans });

const addressOf = ({ address, netmask, gateway }: Nic): unknown => ({ address, netmask, gateway });

/** @throws when the NIC of a running guest cannot join the switch without another host's end */
const requireMovable = async ({ nic }: OwnNic, after: Nic, target: Switch | undefined): Promise<void> => {
  const wayOut = 'shut the guest down to change it, or remove the NIC and add another';
  if (!nic.device || !target)
    throw new Refusal(
      'conflict',
      `NIC ${nic.name} cannot change from network ${nic.network} to ${after.network} while the guest runs: ${wayOut}`,
    );
  if (!target.offload && (await hasOffload(nic.device)))
    throw new Refusal(
      'conflict',
      `NIC ${nic.name} uses offloads, which network ${after.network} (Open vSwitch in user space) cannot forward: ${wayOut}`,
    );
};

const planChange = async (
  guests: Guests,
  entry: Entry,
  { name, nic: patch }: NicChanges['changeNic'],
  isRunning: boolean,
): Promise<Plan> => {
  const { host } = guests;
  const { id } = entry;
  const record = nicRecord(entry);
  const before = findNic(record, name);
  if (!before) throw new Refusal('not_found', `guest ${id} has no NIC ${name}: not found`);
  if (before.nic.removing)
    throw new Refusal('conflict', `NIC ${name} of guest ${id} is being removed: it cannot be changed`);
  const { nics } = record.definition;
  const patched = patchedNic(before.nic, patch);
  const complete = completeNics(
    id,
    nics.map((each) => (each.name === name ? patched : each)),
    {
      models: await host.program.nicModels(),
      macOwner: (network, mac) => guests.findMac(network, mac, id),
      numbers: numberNics(nics, record.machine.nics),
    },
  );
  assertDistinctAddresses(complete);
  const after = complete.find((each) => each.name === name) ?? patched;
  const changed = withNic(record, after);
  const plan = {
    before,
    after,
    record: isDeepStrictEqual(addressOf(after), addressOf(before.nic)) ? changed : withNewSeed(changed),
  };
  if (isDeepStrictEqual(networkOf(after), networkOf(before.nic))) return plan;
  const target = await host.networks.resolveNic(after);
  if (isRunning) await requireMovable(before, after, target);
  return { ...plan, target };
};

/**
 * Moves a NIC of a running guest to another switch or VLAN. Its cable is unplugged meanwhile, so that the guest asks for
 * an address there.
 */
const moveRunning = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  { before, after, record }: Plan,
  target: Switch,
): Promise<void> => {
  const { host } = guests;
  const { nics } = entry.record.definition;
  const tap = { guestId: entry.id, tap: before.nic.device ?? '' };
  await setLink(watch, before.device, false);
  const pause = sleep(UNPLUGGED_MS);
  try {
    await moveTap({ ...tap, nic: after, target }, nics, host.ports);
    await entry.update(record);
  } catch (error) {
    try {
      const earlier = await host.networks.resolveNic(before.nic);
      if (earlier) await moveTap({ ...tap, nic: before.nic, target: earlier }, nics, host.ports);
      await setLink(watch, before.device, before.nic.link !== 'down');
    } catch (second) {
      const message = `${errorMessage(error)}; and NIC ${before.nic.name} is on no network now: ${errorMessage(second)}`;
      throw new Error(message, { cause: error });
    }
    throw error;
  }
  await pause;
  await setLink(watch, before.device, after.link !== 'down');
};

const cableOf = ({ link }: Nic): string => (link === 'down' ? 'unplugged' : 'plugged in');

const vlansOf = ({ vlans }: Nic): string => (vlans.length > 0 ? ` (VLAN ${vlans.join(', ')})` : '');

const described = ({ before: { nic }, after }: Plan, isRunning: boolean): string => {
  const later = isRunning ? '' : ' at its next start';
  const parts = [
    ...(isDeepStrictEqual(networkOf(after), networkOf(nic))
      ? []
      : [`is on network ${after.network}${vlansOf(after)}${later}`]),
    ...(after.link === nic.link ? [] : [`has its cable ${cableOf(after)}${later}`]),
    ...(isDeepStrictEqual(addressOf(after), addressOf(nic))
      ? []
      : [
          `gets ${after.address ? `the address ${after.address}` : 'no static address'} by the seed of the guest's next start, which cloud-init takes for that of a new guest`,
        ]),
  ];
  return parts.length > 0
    ? `NIC ${nic.name} ${parts.join('; it ')}`
    : `nothing changes: NIC ${nic.name} is so already`;
};

/** Changes a NIC: its network and its cable at once, its address in the seed of the next start. May be repeated. */
export const changeNic = (guests: Guests, id: string, change: NicChanges['changeNic']): Promise<Changed> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await runningForChange(guests, entry);
    const plan = await planChange(guests, entry, change, watch !== undefined);
    const { target } = plan;
    if (watch && target) await moveRunning(guests, entry, watch, plan, target);
    else {
      await entry.update(plan.record);
      if (watch) await setLink(watch, plan.before.device, plan.after.link !== 'down');
    }
    return { entry, message: described(plan, watch !== undefined) };
  });

/** Returns the NICs that the guest would have after a change. Changes nothing. */
export const checkChangeNic = async (
  guests: Guests,
  id: string,
  change: NicChanges['changeNic'],
): Promise<NicRecord> => {
  const entry = guests.get(id);
  const watch = await runningForChange(guests, entry);
  return (await planChange(guests, entry, change, watch !== undefined)).record;
};
