import type { NetworkInspectInfo } from 'dockerode';
import { waitFor } from '../../../async/deadline.js';
import { errorMessage } from '../../../errors.js';
import type { HostNetwork, HostNetworks } from '../../../model/host-networks.js';
import { USER_NETWORK } from '../../../model/nics.js';
import type { Networks } from '../../shared/network/networks.js';
import { NoEngineError } from '../errors.js';
import {
  BUILT_IN,
  DEFAULT_NETWORK,
  MODES,
  type NetworkDeps,
  subnetsOf,
  whyForbidden,
} from './engine-network.js';

/** The time that the engine has for its list, which a client waits for. */
const LIMIT = {
  ms: 5000,
  expired: () => new Error('the container engine did not respond within 5 s'),
};

/** The parts of an engine network that are listed. */
type EngineNetwork = Pick<NetworkInspectInfo, 'Name' | 'Driver' | 'IPAM'>;

/** What the names of NICs' networks mean on this host. */
interface Names {
  bridges: ReadonlySet<string>;
  policy: NetworkDeps['policy'];
}

/** Says why a NIC cannot join an engine network by its name. The order is that of a NIC's checks. */
const whyUnusable = ({ Name, Driver }: EngineNetwork, { bridges, policy }: Names): string | undefined => {
  if (Name === USER_NETWORK)
    return `a NIC on network ${Name} joins the engine's default network: create this one under another name`;
  if (bridges.has(Name)) return `a NIC on network ${Name} joins the bridge: give the network's id`;
  if (MODES.has(Name)) return `engines do not read ${Name} as a name: give the network's id`;
  return whyForbidden(Name, Driver, policy);
};

const toNetwork = (network: EngineNetwork, names: Names): HostNetwork => {
  const reason = whyUnusable(network, names);
  return {
    ...{ name: network.Name, kind: 'engine', guests: ['container'], driver: network.Driver },
    ...{ subnets: subnetsOf(network), usable: reason === undefined },
    ...(reason === undefined ? {} : { reason }),
  };
};

const listOfEngine = async (
  { engine, policy }: NetworkDeps,
  bridges: ReadonlySet<string>,
): Promise<HostNetwork[]> => {
  const found: EngineNetwork[] = await engine.list((docker) => docker.listNetworks());
  // Podman accepts `host` and `none` but lists neither.
  const builtIn = [...BUILT_IN]
    .filter(([name]) => !found.some(({ Name }) => Name === name))
    .map(([Name, Driver]) => ({ Name, Driver }));
  // Podman's API lists its default network under Docker's name too.
  const byDefault = found.find(({ Name }) => Name === DEFAULT_NETWORK);
  const user: HostNetwork = {
    ...{ name: USER_NETWORK, kind: 'user', guests: ['container'], usable: true },
    subnets: byDefault ? subnetsOf(byDefault) : [],
  };
  return [user, ...[...found, ...builtIn].map((network) => toNetwork(network, { bridges, policy }))];
};

/**
 * Lists the networks that a container's NIC can name: the host's bridges and the networks of the engine. An engine that
 * does not respond is a problem; a host that has none has no networks for containers.
 */
export const listNetworks = async (
  deps: NetworkDeps,
  switches: Networks,
  signal?: AbortSignal,
): Promise<HostNetworks> => {
  const { networks, problems } = await switches.list(['container']);
  try {
    const bridges = new Set(networks.map(({ name }) => name));
    const ofEngine = await waitFor(listOfEngine(deps, bridges), signal, LIMIT);
    return { networks: [...networks, ...ofEngine], problems };
  } catch (error) {
    signal?.throwIfAborted();
    const problem = `engine networks are unknown: ${errorMessage(error)}`;
    const hasNoEngine = error instanceof NoEngineError && deps.engine.socket === undefined;
    return { networks: hasNoEngine ? [] : networks, problems: [...problems, problem] };
  }
};
