import {
  changeOptions,
  type HardwareOptions,
  type OptionsChange,
  optionsProblem,
} from '../../../model/hardware-options.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { MachineIdentity } from '../machine/identity.js';
import { machineOptions } from '../machine/options.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { requireParts } from './machine-parts.js';
import { requireMachine } from './machines.js';
import { nextOptions } from './pending.js';

/** A checked change of the options of a guest's hardware. */
export interface OptionsPlan {
  machine: MachineIdentity;
  /** What the guest has. */
  now: HardwareOptions;
  /** What it is to have, from its next start on. */
  next: HardwareOptions;
}

/**
 * Returns what a change makes of the options of a guest's hardware; `undefined` when it names none.
 * @throws {Refusal} `invalid` when they contradict each other, `conflict` when this host lacks a part that they need
 */
export const planOptions = async (
  { host, machines }: Guests,
  entry: Entry,
  { machine: ofMachine, devices }: OptionsChange,
): Promise<OptionsPlan | undefined> => {
  if (!ofMachine && !devices) return undefined;
  await machines.adopt(entry);
  const machine = requireMachine(entry);
  const now = machineOptions(machine);
  const next = changeOptions(nextOptions(machine, entry.record), { machine: ofMachine, devices });
  const problem = optionsProblem(next);
  if (problem !== undefined) throw new Refusal('invalid', problem);
  const { type } = machine.next ?? machine;
  await requireParts(host, { type, ...next.machine }, now.machine);
  return { machine, now, next };
};
