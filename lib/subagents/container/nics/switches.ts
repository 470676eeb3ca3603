import { createNetworks } from '../../shared/network/networks.js';

/** The host's bridges, shared by containers and virtual machines. */
export const networks = createNetworks();
