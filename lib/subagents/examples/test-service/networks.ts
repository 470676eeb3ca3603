import type { HostNetwork, HostNetworks } from '../../../model/host-networks.js';

const common = { subnets: [], usable: true };

/** Returns one bridge for all guests, and the network `user`. */
export const networksFor = (guest: HostNetwork['guests'][number]): HostNetworks => ({
  networks: [
    { name: 'br0', kind: 'bridge', guests: [guest], ...common, subnets: ['192.0.2.0/24'] },
    { name: 'user', kind: 'user', guests: [guest], ...common },
  ],
  problems: [],
});
