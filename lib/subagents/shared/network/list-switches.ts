import ipaddr from 'ipaddr.js';
import { errorMessage } from '../../../errors.js';
import type { HostNetwork, HostNetworks } from '../../../model/host-networks.js';
import { USER_NETWORK } from '../../../model/nics.js';
import type { SwitchKind } from './switch.js';
import { type RunTool, runTool } from './tools.js';

/** A link in the output of `ip -j address`; an empty object for one that a filter of ip(8) leaves out. */
interface Link {
  ifname?: string;
  addr_info?: { local?: string; prefixlen?: number; scope?: string }[];
}

const subnetOf = (address: string, prefix: number): string => {
  const family = ipaddr.IPv4.isValid(address) ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${family.networkAddressFromCIDR(`${address}/${prefix}`)}/${prefix}`;
};

const subnetsOf = ({ addr_info = [] }: Link): string[] => [
  ...new Set(
    addr_info.flatMap(({ local, prefixlen, scope }) =>
      local === undefined || prefixlen === undefined || scope === 'link' ? [] : [subnetOf(local, prefixlen)],
    ),
  ),
];

/** Reads the subnets of the host's own addresses, by device. */
const readSubnets = async (run: RunTool): Promise<Map<string, string[]>> => {
  const links = JSON.parse((await run('ip', '-j', 'address', 'show')) || '[]') as Link[];
  return new Map(
    links.flatMap((link) => (link.ifname === undefined ? [] : [[link.ifname, subnetsOf(link)]])),
  );
};

/** Resolves to `fallback`, and adds a problem, when `work` fails. */
const orProblem = async <T>(problems: string[], what: string, work: Promise<T>, fallback: T): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    problems.push(`${what}: ${errorMessage(error)}`);
    return fallback;
  }
};

const KIND_NAMES: Record<SwitchKind['name'], string> = {
  bridge: 'Linux bridges',
  openvswitch: 'Open vSwitch bridges',
};

const toNetwork = (
  name: string,
  kind: SwitchKind['name'],
  guests: HostNetwork['guests'],
  subnets: string[],
): HostNetwork => {
  const common = { name, kind, guests, subnets };
  return name === USER_NETWORK
    ? { ...common, usable: false, reason: `a NIC on network ${USER_NETWORK} joins no bridge: rename it` }
    : { ...common, usable: true };
};

/**
 * Lists the switches of this host. A kind that cannot be listed is a problem and hides no other. Of two switches with
 * one name, only that of the first kind is listed, because NICs join it.
 * @param guests the guests that the list is for
 */
export const listSwitches = async (
  kinds: readonly SwitchKind[],
  guests: HostNetwork['guests'],
  run: RunTool = runTool,
): Promise<HostNetworks> => {
  const problems: string[] = [];
  const [subnets, ...lists] = await Promise.all([
    orProblem(problems, 'subnets of bridges are unknown', readSubnets(run), new Map<string, string[]>()),
    ...kinds.map(async (kind) => {
      const names = await orProblem(problems, `${KIND_NAMES[kind.name]} are unknown`, kind.list(), []);
      return names.map((name) => ({ name, kind: kind.name }));
    }),
  ]);
  const found = new Map<string, HostNetwork>();
  for (const { name, kind } of lists.flat())
    if (!found.has(name)) found.set(name, toNetwork(name, kind, guests, subnets.get(name) ?? []));
  return { networks: [...found.values()], problems };
};
