import type { Nic } from '../../../model/guest.js';
import type { HostNetwork, HostNetworks } from '../../../model/host-networks.js';
import { USER_NETWORK } from '../../../model/nics.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { linuxBridges } from './linux-bridge.js';
import { listSwitches } from './list-switches.js';
import { openVswitch } from './open-vswitch.js';
import type { Switch, SwitchKind } from './switch.js';

/** The switches of this host, of any kind. */
export interface Networks {
  /** Lists the switches for the given guests; a kind that does not respond is a problem. */
  list(guests: HostNetwork['guests']): Promise<HostNetworks>;
  /** Resolves to `undefined` when no switch has that name. */
  find(name: string): Promise<Switch | undefined>;
  /**
   * Finds the switch of each NIC; `undefined` for a NIC on network `user`.
   * @throws when a switch is missing or cannot do what its NIC asks for
   */
  resolve(nics: readonly Nic[]): Promise<(Switch | undefined)[]>;
  /** Finds the switch of one NIC, as `resolve` does. */
  resolveNic(nic: Nic): Promise<Switch | undefined>;
  /** Whether a switch that keeps ports beyond their taps may have ports of these NICs. */
  mayKeepPorts(nics: readonly Nic[]): Promise<boolean>;
  /** Removes a guest's ports from all switches; see `SwitchKind`. */
  removePorts(guestId: string): Promise<void>;
  /**
   * Takes a tap off the switch that it is on.
   * @param mayBeKept whether a switch that keeps ports beyond their taps may have it
   */
  detach(tap: string, mayBeKept: boolean): Promise<void>;
}

const findSwitch = async (name: string, kinds: readonly SwitchKind[]): Promise<Switch | undefined> => {
  for (const kind of kinds) {
    const found = await kind.find(name);
    if (found) return found;
  }
  return undefined;
};

const resolveNic = async (nic: Nic, kinds: readonly SwitchKind[]): Promise<Switch | undefined> => {
  const { network, vlans } = nic;
  if (network === USER_NETWORK) return undefined;
  const found = await findSwitch(network, kinds);
  if (!found) {
    throw new Refusal(
      'not_found',
      `no bridge "${network}" on this host: create it (ip link add ${network} type bridge, or ovs-vsctl add-br ${network}) or use network "${USER_NETWORK}"`,
    );
  }
  if (vlans.length) await found.checkVlans(vlans);
  return found;
};

const allKinds = (ovsDb?: string): SwitchKind[] => [linuxBridges(), openVswitch(ovsDb)];

/** @param ovsDb the address of Open vSwitch's database; the system's by default */
export const createNetworks = (ovsDb?: string, kinds: readonly SwitchKind[] = allKinds(ovsDb)): Networks => ({
  list: (guests) => listSwitches(kinds, guests),
  find: (name) => findSwitch(name, kinds),
  resolve: async (nics) => {
    const switches: (Switch | undefined)[] = [];
    for (const [index, nic] of nics.entries()) {
      try {
        switches.push(await resolveNic(nic, kinds));
      } catch (error) {
        throw failureIn(`NIC ${index}`, error);
      }
    }
    return switches;
  },
  resolveNic: (nic) => resolveNic(nic, kinds),
  mayKeepPorts: async (nics) => {
    const forgetting = kinds.filter(({ keepsPorts }) => !keepsPorts);
    for (const { network } of nics) {
      // Bridges of the other kinds are found without their service, which may not respond.
      if (network !== USER_NETWORK && !(await findSwitch(network, forgetting))) return true;
    }
    return false;
  },
  removePorts: async (guestId) => {
    for (const kind of kinds) await kind.removePorts(guestId);
  },
  detach: async (tap, mayBeKept) => {
    for (const kind of kinds) if (mayBeKept || !kind.keepsPorts) await kind.detach(tap);
  },
});
