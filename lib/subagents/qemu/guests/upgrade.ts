import type { MachineChange } from '../../../model/machine.js';
import type { StageArgs } from '../../../rpc/protocol/calls.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';

/**
 * Returns the hardware that an upgrade would give a guest. Does not change the guest.
 * @param args `type` and `cpuModel`, as in `UpgradeQuery`
 * @throws {Refusal} when this host cannot give it
 */
export const checkUpgrade = async (
  guests: Guests,
  id: string,
  args: StageArgs = {},
): Promise<MachineChange> => {
  const entry = guests.get(id);
  await guests.machines.adopt(entry);
  return guests.machines.upgradeOf(entry, args);
};

/**
 * Moves a guest on to newer hardware, at its next start when it runs. May be repeated.
 * @returns the guest, and what happened in words
 * @throws {Refusal} as `checkUpgrade`
 */
export const upgradeMachine = (
  guests: Guests,
  id: string,
  args?: StageArgs,
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const change = await checkUpgrade(guests, id, args);
    await guests.machines.change(entry, change);
    await guests.machines.describe(entry);
    const hasNext = entry.record.machine?.next !== undefined;
    const when = hasNext ? ' once it is shut down and started again' : '';
    return { entry, message: `the guest has machine type ${change.type}${when}` };
  });
