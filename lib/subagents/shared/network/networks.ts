import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import { linuxBridges } from './linux-bridge.js';
import { USER_NETWORK } from './nics.js';
import { openVswitch } from './open-vswitch.js';
import type { Switch, SwitchKind } from './switch.js';

/** The switches of this host, of whatever kind. */
export interface Networks {
  /**
   * The switch of each nic, `undefined` for one in user mode.
   * @throws when one is not there, or cannot do what its nic asks for
   */
  resolve(nics: readonly Nic[]): Promise<(Switch | undefined)[]>;
  /** Forgets what a guest's taps left on any of them. */
  leave(guestId: string): Promise<void>;
}

const find = async (name: string, kinds: readonly SwitchKind[]): Promise<Switch> => {
  for (const kind of kinds) {
    const found = await kind.find(name);
    if (found) return found;
  }
  throw new Error(
    `there is no bridge ${name} on this host: make it (ip link add ${name} type bridge, or ovs-vsctl add-br ${name}) or use network ${USER_NETWORK}`,
  );
};

const resolveOne = async (nic: Nic, kinds: readonly SwitchKind[]): Promise<Switch | undefined> => {
  if (nic.network === USER_NETWORK) return undefined;
  const found = await find(nic.network, kinds);
  if (nic.vlans.length) await found.checkVlans();
  return found;
};

const ALL_KINDS = (ovsDb?: string): SwitchKind[] => [linuxBridges(), openVswitch(ovsDb)];

/** @param ovsDb the address of Open vSwitch's database, the system's by default */
export const createNetworks = (
  ovsDb?: string,
  kinds: readonly SwitchKind[] = ALL_KINDS(ovsDb),
): Networks => ({
  resolve: async (nics) => {
    const switches: (Switch | undefined)[] = [];
    for (const [index, nic] of nics.entries()) {
      try {
        switches.push(await resolveOne(nic, kinds));
      } catch (error) {
        throw new Error(`nic ${index}: ${errorMessage(error)}`, { cause: error });
      }
    }
    return switches;
  },
  leave: async (guestId) => {
    for (const kind of kinds) await kind.leave(guestId);
  },
});
