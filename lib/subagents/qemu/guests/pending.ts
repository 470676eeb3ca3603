import { differenceOf, type GuestSize, resize, SIZE_KEYS, sizeOf } from '../../../model/guest-size.js';
import { changeOptions, type HardwareOptions, optionsDifference } from '../../../model/hardware-options.js';
import type { Pending } from '../../../model/pending.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import { machineOptions, withOptions } from '../machine/options.js';
import type { GuestRecord } from './records.js';

/** What a guest has after its next start, as far as its size is concerned. */
export const nextSize = ({
  definition,
  pending = {},
}: Pick<GuestRecord, 'definition' | 'pending'>): GuestSize => resize(sizeOf(definition), pending);

/** What a guest has after its next start, as far as the options of its hardware are concerned. */
export const nextOptions = (
  machine: MachineIdentity,
  { pending = {} }: Pick<GuestRecord, 'pending'>,
): HardwareOptions => changeOptions(machineOptions(machine), pending);

const withSize = ({ maxMemory: _, maxCpu: __, ...definition }: Definition, size: GuestSize): Definition => ({
  ...definition,
  ...size,
});

const unlessEmpty = (pending: Pending): Pending | undefined =>
  Object.keys(pending).length > 0 ? pending : undefined;

/** Returns a record with the size that a guest has now and the one that it gets at its next start. */
export const resized = (
  { definition, pending = {} }: Pick<GuestRecord, 'definition' | 'pending'>,
  now: GuestSize,
  next: GuestSize,
): Required<Pick<GuestRecord, 'definition' | 'pending'>> => {
  const others = Object.entries(pending).filter(([key]) => !SIZE_KEYS.some((size) => size === key));
  return {
    definition: withSize(definition, now),
    pending: unlessEmpty({ ...Object.fromEntries(others), ...differenceOf(now, next) }),
  };
};

/** Returns a record with the options that a guest's hardware has now and those that it gets at its next start. */
export const refitted = (
  machine: MachineIdentity,
  { pending = {} }: Pick<GuestRecord, 'pending'>,
  now: HardwareOptions,
  next: HardwareOptions,
): Required<Pick<GuestRecord, 'machine' | 'pending'>> => {
  const { machine: _machine, devices: _devices, ...others } = pending;
  return {
    machine: withOptions(machine, now),
    pending: unlessEmpty({ ...others, ...optionsDifference(now, next) }),
  };
};

/** Returns the definition that a guest starts with: all that waited for the start applies. */
export const startDefinition = (record: Pick<GuestRecord, 'definition' | 'pending'>): Definition =>
  record.pending ? withSize(record.definition, nextSize(record)) : record.definition;

/** Returns the hardware that a guest starts with, without an upgrade that waits: see `startDefinition`. */
export const startMachine = (
  machine: MachineIdentity,
  record: Pick<GuestRecord, 'pending'>,
): MachineIdentity => (record.pending ? withOptions(machine, nextOptions(machine, record)) : machine);

/** What the agent and its clients see of a guest's size, and of what waits for its next start. */
export const toldSize = (
  record: Pick<GuestRecord, 'definition' | 'pending'>,
): GuestSize & { pending?: Pending } => ({
  ...sizeOf(record.definition),
  ...(record.pending ? { pending: record.pending } : {}),
});
