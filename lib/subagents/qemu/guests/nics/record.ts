import type { Nic } from '../../../../model/guest.js';
import { netdevId, nicDeviceId, nicEntries } from '../../machine/nic-numbers.js';
import { withNics } from '../../machine/nic-places.js';
import type { Entry } from '../entry.js';
import { requireMachine } from '../machines.js';
import type { GuestRecord } from '../records.js';

/** A NIC of a guest with the ids of its parts in QEMU. */
export interface OwnNic {
  nic: Nic;
  number: number;
  device: string;
  netdev: string;
  /** Whether the guest can let go of it while it runs. */
  isOnPort: boolean;
}

/** The part of a guest's record that a change of its NICs concerns. */
export type NicRecord = Required<Pick<GuestRecord, 'definition' | 'machine'>> &
  Pick<GuestRecord, 'seedRevision'>;

export const nicRecord = (entry: Entry): NicRecord => {
  const { definition, seedRevision } = entry.record;
  return {
    definition,
    machine: requireMachine(entry),
    ...(seedRevision === undefined ? {} : { seedRevision }),
  };
};

/** Finds a NIC in a guest's record by its name. */
export const findNic = ({ definition, machine }: NicRecord, name: string): OwnNic | undefined => {
  const nic = definition.nics.find((each) => each.name === name);
  const number = nicEntries(definition.nics, machine.nics)[name]?.number;
  if (!nic || number === undefined) return undefined;
  const device = nicDeviceId(number);
  return { nic, number, device, netdev: netdevId(number), isOnPort: machine.ports[device] !== undefined };
};

/** Returns a record with other NICs, whose numbers it keeps from now on. */
export const withOtherNics = (record: NicRecord, nics: Nic[]): NicRecord => {
  const { definition } = record;
  const machine = { ...record.machine, nics: record.machine.nics ?? nicEntries(definition.nics) };
  return { ...record, definition: { ...definition, nics }, machine: withNics(machine, nics) };
};

export const withoutNic = (record: NicRecord, name: string): NicRecord =>
  withOtherNics(
    record,
    record.definition.nics.filter((nic) => nic.name !== name),
  );

export const withNic = (record: NicRecord, changed: Nic): NicRecord =>
  withOtherNics(
    record,
    record.definition.nics.map((nic) => (nic.name === changed.name ? changed : nic)),
  );

/** Returns a record whose seed cloud-init applies again, at the next start. */
export const withNewSeed = (record: NicRecord): NicRecord => ({
  ...record,
  seedRevision: (record.seedRevision ?? 0) + 1,
});
