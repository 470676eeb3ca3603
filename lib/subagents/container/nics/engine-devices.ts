import type { Nic } from '../../../model/guest.js';
import type { EngineKind } from '../engine.js';
import { isEngineNic } from './complete.js';
import { engineNetwork } from './engine-network.js';
import { runInside } from './inside.js';

/** A container's place in an engine network: a part of `EndpointSettings` of the Docker Engine API. */
export interface Joined {
  MacAddress: string;
  NetworkID: string;
}

/** The running container whose NICs are looked for. */
export interface Running {
  /** The pid of its first process. */
  pid: number;
  nics: readonly Nic[];
  /** Its endpoints, by the name of their network. */
  endpoints: Readonly<Record<string, Joined>>;
}

const macOf = (nic: Nic, endpoints: Running['endpoints']): string | undefined => {
  const network = engineNetwork(nic);
  const byId = Object.values(endpoints).find(({ NetworkID }) => NetworkID.startsWith(network));
  return nic.mac ?? (endpoints[network] ?? byId)?.MacAddress;
};

/** Returns the devices in a network namespace by their MACs, in lower case: `ip -j link`, ip-link(8). */
const devicesByMac = async (pid: number): Promise<ReadonlyMap<string, string>> => {
  const links = JSON.parse(await runInside(pid, 'ip', '-j', 'link')) as {
    ifname: string;
    address?: string;
  }[];
  return new Map(links.map(({ ifname, address = '' }) => [address, ifname]));
};

/**
 * Returns the devices of a running container's NICs on engine networks, in their order. Podman names them in this order.
 * Docker before version 28 has an order of its own, so they are found by their MACs there.
 */
export const engineDevices = async (
  { pid, nics, endpoints }: Running,
  kind: EngineKind,
): Promise<(string | undefined)[]> => {
  const own = nics.filter(isEngineNic);
  if (kind === 'podman') return own.map((_, index) => `eth${index}`);
  const devices = await devicesByMac(pid);
  return own.map((nic) => devices.get(macOf(nic, endpoints)?.toLowerCase() ?? ''));
};
