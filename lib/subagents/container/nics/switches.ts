import { linuxBridges } from '../../shared/network/linux-bridge.js';
import { createNetworks } from '../../shared/network/networks.js';
import { openVswitch } from '../../shared/network/open-vswitch.js';
import type { Switch } from '../../shared/network/switch.js';

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
