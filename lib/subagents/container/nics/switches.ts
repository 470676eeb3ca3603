import { linuxBridges } from '../../qemu/network/linux-bridge.js';
import { createNetworks } from '../../qemu/network/networks.js';
import { openVswitch } from '../../qemu/network/open-vswitch.js';
import type { Switch } from '../../qemu/network/switch.js';

const KINDS = [linuxBridges(), openVswitch()];

/** The host's bridges, the same for containers and virtual machines. */
export const networks = createNetworks(undefined, KINDS);

/** The bridge of that name, of Linux or of Open vSwitch; `undefined` when there is none. */
export const findSwitch = async (name: string): Promise<Switch | undefined> => {
  for (const kind of KINDS) {
    const found = await kind.find(name);
    if (found) return found;
  }
  return undefined;
};
