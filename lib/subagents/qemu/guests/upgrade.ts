import type { Guest } from '../../../model/guest.js';
import { describeUpgrade } from '../../../model/machine-change.js';
import type { StageArgs } from '../../../rpc/protocol/calls.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { type MachineUpgrade, toldMachine } from './machines.js';

const upgradeOf = async (guests: Guests, entry: Entry, args: StageArgs): Promise<MachineUpgrade> => {
  await guests.machines.adopt(entry);
  return guests.machines.upgradeOf(entry, args);
};

/**
 * Returns a guest with the hardware that an upgrade would give it. Does not change the guest.
 * @param args `type` and `cpuModel`, as in `UpgradeQuery`
 * @throws {Refusal} when this host cannot give it
 */
export const checkUpgrade = async (
  guests: Guests,
  id: string,
  args: StageArgs = {},
): Promise<Pick<Guest, 'id' | 'cpuModel' | 'machine' | 'devices'>> => {
  const { after } = await upgradeOf(guests, guests.get(id), args);
  return { id, ...toldMachine(after) };
};

/**
 * Moves a guest on to newer hardware, at its next start when it runs. May be repeated.
 * @returns the guest, and what changes in words
 * @throws {Refusal} as `checkUpgrade`
 */
export const upgradeMachine = (
  guests: Guests,
  id: string,
  args: StageArgs = {},
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const { before, after } = await upgradeOf(guests, entry, args);
    await entry.update({ machine: after });
    await guests.machines.describe(entry);
    return {
      entry,
      message: describeUpgrade(
        { cpuModel: before.cpuModel, machine: before },
        { cpuModel: after.cpuModel, machine: after },
      ),
    };
  });
