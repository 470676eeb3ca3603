import type { NetworkInspectInfo } from 'dockerode';
import ipaddr from 'ipaddr.js';
import type { Nic } from '../../../model/guest.js';
import { USER_NETWORK } from '../../../model/nics.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Engine, EngineKind } from '../engine.js';
import type { Policy } from '../policy.js';

/** Docker's name for its default network, which Podman maps to its own nearly everywhere. */
export const DEFAULT_NETWORK = 'bridge';
/** Podman's name for its default network in the `EndpointsConfig` of a new container, where it does not know Docker's. */
const PODMAN_DEFAULT_NETWORK = 'default';

/** The networks that Docker always has, and Podman as modes alone, with their drivers. */
export const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['host', 'host'],
  ['none', 'null'],
]);
/** Further values of `NetworkMode` that engines do not read as the name of a network. */
export const MODES: ReadonlySet<string> = new Set(['default', 'private', 'pasta', 'slirp4netns']);
/** The names of networks, or their ids: `RestrictedNamePattern` of Docker. Modes such as `container:NAME` are none. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export interface NetworkDeps {
  engine: Engine;
  policy: Pick<Policy, 'networkDrivers'>;
}

/** Whether a NIC names no network of its own, neither of the host nor of the engine. */
export const hasNoName = ({ network }: Nic): boolean => network === '' || network === USER_NETWORK;

const isDefault = (nic: Nic): boolean => hasNoName(nic) || nic.network === DEFAULT_NETWORK;

/** Whether the engine resolves names on the network of a NIC. */
export const knowsNames = (nic: Nic): boolean => !isDefault(nic) && !isAlone(nic);

/** Returns the engine network of a NIC. */
export const engineNetwork = (nic: Nic): string => (isDefault(nic) ? DEFAULT_NETWORK : nic.network);

/** Returns the name of a NIC's engine network in the `EndpointsConfig` of a new container. */
export const createdNetwork = (nic: Nic, kind: EngineKind): string =>
  kind === 'podman' && isDefault(nic) ? PODMAN_DEFAULT_NETWORK : engineNetwork(nic);

/** Whether a NIC is in the network namespace of the host. */
export const isHostNetwork = (nic: Nic): boolean => isAlone(nic) && BUILT_IN.get(nic.network) === 'host';

/** Whether a container that has this NIC cannot have others. */
export const isAlone = ({ device, network }: Nic): boolean => device === undefined && BUILT_IN.has(network);

/**
 * Says why the policy forbids a network: it does not keep a container apart from its host, or is none. Returns
 * `undefined` for a network that it allows.
 * @param network as the guest names it, by its name or its id
 */
export const whyForbidden = (
  network: string,
  driver: string,
  { networkDrivers }: NetworkDeps['policy'],
): string | undefined => {
  if (![...BUILT_IN.values()].includes(driver) || networkDrivers.includes(driver)) return undefined;
  const why =
    driver === 'host'
      ? `network ${network} is the host's own, where a container reaches all that only the host may reach`
      : `network ${network} connects nothing: leave out the NIC`;
  return `${why} (mistify-container allows it with --allow-network-driver ${driver})`;
};

const checkDriver = (network: string, driver: string, policy: NetworkDeps['policy']): void => {
  const why = whyForbidden(network, driver, policy);
  if (why !== undefined) throw new Refusal('invalid', why);
};

/** Returns the subnets of an engine network; those of `host` and `none` are empty. */
export const subnetsOf = ({ IPAM }: Pick<NetworkInspectInfo, 'IPAM'>): string[] =>
  (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []);

/** @throws {Refusal} `invalid` when an address is in none of the network's subnets */
const checkAddress = ({ address }: Nic, network: NetworkInspectInfo): void => {
  const { Name } = network;
  const subnets = subnetsOf(network);
  if (address === '' || subnets.length === 0) return;
  const [text = ''] = address.split('/');
  const parsed = ipaddr.parse(text);
  const contains = (subnet: string): boolean => {
    const [start, bits] = ipaddr.parseCIDR(subnet);
    return start.kind() === parsed.kind() && parsed.match(start as ipaddr.IPv4 & ipaddr.IPv6, bits);
  };
  if (!subnets.some(contains))
    throw new Refusal(
      'invalid',
      `address ${address} is outside network ${Name}, whose subnets are ${subnets.join(', ')}`,
    );
};

const checkDefault = async ({ engine }: NetworkDeps, { address }: Nic): Promise<void> => {
  if (!address || (await engine.kind()) !== 'docker') return;
  throw new Refusal(
    'invalid',
    `Docker assigns the addresses of its default network itself: leave out the address ${address}, or create a ` +
      'network with a subnet (docker network create --subnet) and name it',
  );
};

/**
 * Checks the engine network of a NIC.
 * @returns the name of the network, for a NIC that names the network of the host by its id
 * @throws {Refusal} when the engine has no such network, the policy forbids it, or it cannot give the NIC its address
 */
export const checkEngineNetwork = async (deps: NetworkDeps, nic: Nic): Promise<string> => {
  const { network } = nic;
  if (isDefault(nic)) {
    await checkDefault(deps, nic);
    return network;
  }
  const builtIn = BUILT_IN.get(network);
  if (builtIn) {
    checkDriver(network, builtIn, deps.policy);
    return network;
  }
  const isName = NAME.test(network) && !MODES.has(network);
  const found = isName
    ? await deps.engine.find((docker) => docker.getNetwork(network).inspect() as Promise<NetworkInspectInfo>)
    : undefined;
  if (!found)
    throw new Refusal(
      'not_found',
      `this host has neither a bridge nor an engine network ${network}: create one (ip link add ${network} type bridge) or use network ${USER_NETWORK}`,
    );
  checkDriver(network, found.Driver, deps.policy);
  checkAddress(nic, found);
  return BUILT_IN.has(found.Name) ? found.Name : network;
};
