import { errorMessage } from '../../../../errors.js';
import { type Nic, normalizeNic } from '../../../../model/guest.js';
import { MAX_NICS, type NicChanges } from '../../../../model/nic-changes.js';
import { Refusal } from '../../../../rpc/protocol/refusal.js';
import { assertDistinctAddresses, completeNics } from '../../../shared/network/nics.js';
import { freePosition } from '../../machine/free-position.js';
import { nicDeviceId, nicEntries } from '../../machine/nic-numbers.js';
import { freePort, withPort } from '../../machine/places.js';
import type { Entry } from '../entry.js';
import type { Guests } from '../guests.js';
import type { Watch } from '../watch.js';
import { plugNic } from './plug.js';
import { findNic, type NicRecord, nicRecord, withNewSeed, withOtherNics } from './record.js';
import { removeFromRunning } from './remove.js';
import { type Changed, runningForChange } from './running.js';

/** Chooses the name of a NIC that was given none. */
const freeName = (nics: readonly Nic[], number: number): string => {
  const isFree = (name: string): boolean => nics.every((nic) => nic.name !== name);
  let suffix = number;
  while (!isFree(`net${suffix}`)) suffix += 1;
  return `net${suffix}`;
};

/** @throws when the guest cannot get another NIC now */
const requireRoom = ({ id }: Entry, { definition, machine }: NicRecord, isRunning: boolean): void => {
  if (definition.nics.length >= MAX_NICS)
    throw new Refusal(
      'conflict',
      `guest ${id} has ${MAX_NICS} NICs, the most that a guest can have: remove one`,
    );
  if (!isRunning || freePort(machine) !== undefined) return;
  const why =
    machine.layout < 2
      ? `its devices have layout ${machine.layout}, which takes no NIC while the guest runs: shut it down to add one, or move it on to newer hardware first (upgrade-machine)`
      : 'all root ports for devices that are added while it runs are taken: remove a device, or shut it down to add the NIC';
  throw new Refusal('conflict', `guest ${id}: ${why}`);
};

/** Builds the record of a guest with another NIC, and checks that the NIC can work. */
const planAdd = async (
  guests: Guests,
  entry: Entry,
  spec: NicChanges['addNic']['nic'],
  { isRunning, job }: { isRunning: boolean; job: string | undefined },
): Promise<{ record: NicRecord; name: string }> => {
  const { host } = guests;
  const before = nicRecord(entry);
  const { id, nics } = before.definition;
  const nic = normalizeNic(spec);
  if (nics.some(({ name }) => name === nic.name))
    throw new Refusal('conflict', `guest ${id} has a NIC ${nic.name} already: choose another name`);
  requireRoom(entry, before, isRunning);
  const entries = nicEntries(nics, before.machine.nics);
  const number = freePosition(Object.values(entries).map((each) => each.number));
  const name = nic.name ?? freeName(nics, number);
  const complete = completeNics(id, [...nics, { ...nic, name }], {
    models: await host.program.nicModels(),
    macOwner: (network, mac) => guests.findMac(network, mac, id),
    numbers: [...nics.map((each) => entries[each.name ?? '']?.number ?? 0), number],
  });
  assertDistinctAddresses(complete);
  await host.networks.resolveNic(complete.at(-1) ?? nic);
  const port = freePort(before.machine);
  const placed = port === undefined ? before.machine : withPort(before.machine, nicDeviceId(number), port);
  const machine = {
    ...placed,
    nics: { ...entries, [name]: { number, ...(job === undefined ? {} : { job }) } },
  };
  const added = complete.at(-1) ?? nic;
  const record = withOtherNics({ ...before, machine }, [...nics, added]);
  return { record: added.address ? withNewSeed(record) : record, name };
};

/** Finds the NIC that an earlier attempt of a job has recorded. */
const addedBy = ({ record: { machine } }: Entry, job: string | undefined): string | undefined =>
  Object.entries(machine?.nics ?? {}).find(([, each]) => job !== undefined && each.job === job)?.[0];

const plugIn = async (guests: Guests, entry: Entry, watch: Watch, name: string): Promise<void> => {
  const record = nicRecord(entry);
  const own = findNic(record, name);
  if (!own) return;
  try {
    await plugNic(guests.host, entry, watch, record, own);
  } catch (error) {
    await removeFromRunning(guests, entry, watch, own).catch((second: unknown) => {
      throw new Error(`${errorMessage(error)}; and NIC ${name} is still there: ${errorMessage(second)}`, {
        cause: error,
      });
    });
    throw error;
  }
};

const described = ({ definition, machine }: NicRecord, name: string, isRunning: boolean): string => {
  const nic = definition.nics.find((each) => each.name === name);
  const words = `NIC ${name} (${nic?.mac}) on network ${nic?.network}`;
  const seed = nic?.address ? `; its address ${nic.address} is in the seed of the next start` : '';
  const stays =
    findNic({ definition, machine }, name)?.isOnPort === false
      ? '; it cannot be removed while the guest runs, because the guest has no free root port'
      : '';
  return `the guest has ${words}${isRunning ? '' : ' at its next start'}${seed}${stays}`;
};

/**
 * Adds a NIC to a guest, at once when it runs.
 * @param job a repeated call of the same job finds the NIC that it has added
 */
export const addNic = (
  guests: Guests,
  id: string,
  { nic }: NicChanges['addNic'],
  job: string | undefined,
): Promise<Changed> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await runningForChange(guests, entry);
    const isRunning = watch !== undefined;
    let name = addedBy(entry, job);
    if (name === undefined) {
      const plan = await planAdd(guests, entry, nic, { isRunning, job });
      await entry.update(plan.record);
      ({ name } = plan);
    }
    if (watch) await plugIn(guests, entry, watch, name);
    return { entry, message: described(nicRecord(entry), name, isRunning) };
  });

/** Returns the NICs that the guest would have after an addition. Changes nothing. */
export const checkAddNic = async (
  guests: Guests,
  id: string,
  { nic }: NicChanges['addNic'],
): Promise<NicRecord> => {
  const entry = guests.get(id);
  const watch = await runningForChange(guests, entry);
  return (await planAdd(guests, entry, nic, { isRunning: watch !== undefined, job: undefined })).record;
};
