import { isIPv6 } from 'node:net';
import type { ContainerCreateOptions, EndpointSettings } from 'dockerode';
import type { Guest, Nic } from '../../model/guest.js';
import { MB } from '../../model/units.js';
import { programOptions } from './command.js';
import { engineNetwork, isEngineNic } from './nics/complete.js';

const DEFAULT_MEMORY_MB = 512;
const NANO = 1e9;

/** Has the guest's id, on every container that is a guest. */
export const GUEST_LABEL = 'io.mistify.guest';
/** Has the guest's nics as JSON: what the engine does not know of them must outlive this program. */
export const NICS_LABEL = 'io.mistify.nics';

export const containerName = (guestId: string): string => `mistify-${guestId}`;

/** A guest with everything that is needed to make its container. */
export interface Definition extends Pick<Guest, 'id' | 'cpu' | 'metadata'> {
  image: string;
  /** MB. */
  memory: number;
  nics: Nic[];
}

/**
 * Fills in what a guest leaves open.
 * @param nics its nics, complete
 */
export const completeDefinition = (guest: Guest, nics: Nic[]): Definition => {
  const { id, image, memory = DEFAULT_MEMORY_MB, cpu, metadata } = guest;
  if (!image) throw new Error('a container needs an image: give the name of one');
  return { id, image, memory, nics, ...(cpu ? { cpu } : {}), ...(metadata ? { metadata } : {}) };
};

/** How the engine is to plug a nic into one of its networks. */
export const endpointSettings = ({ address, mac }: Nic): Partial<EndpointSettings> => {
  const [ip = ''] = address.split('/');
  return {
    ...(ip ? { IPAMConfig: isIPv6(ip) ? { IPv6Address: ip } : { IPv4Address: ip } } : {}),
    ...(mac ? { MacAddress: mac } : {}),
  };
};

const networking = (nics: readonly Nic[]): Partial<ContainerCreateOptions> & { NetworkMode: string } => {
  const first = nics.find(isEngineNic);
  if (!first) return { NetworkMode: 'none' };
  const NetworkMode = engineNetwork(first);
  const settings = endpointSettings(first);
  // Podman knows its default network by Docker's name only where nothing is said of it.
  if (Object.keys(settings).length === 0) return { NetworkMode };
  return {
    NetworkMode,
    // Engines before API 1.44, and Podman, know it here only.
    ...(first.mac ? { MacAddress: first.mac } : {}),
    NetworkingConfig: { EndpointsConfig: { [NetworkMode]: settings as EndpointSettings } },
  };
};

/** The container of a guest, as the Docker Engine API has it (`ContainerCreate`). */
export const createOptions = (definition: Definition, image: string): ContainerCreateOptions => {
  const { id, memory, cpu, nics, metadata } = definition;
  const { NetworkMode, ...network } = networking(nics);
  return {
    name: containerName(id),
    Hostname: id,
    Image: image,
    Labels: { [GUEST_LABEL]: id, [NICS_LABEL]: JSON.stringify(nics) },
    // As the original: an image whose program is a shell stays up.
    OpenStdin: true,
    ...programOptions(metadata),
    ...network,
    HostConfig: {
      NetworkMode,
      Memory: memory * MB,
      ...(cpu ? { NanoCpus: cpu * NANO } : {}),
    },
  };
};

/** The nics that a container was made with. */
export const nicsOf = (labels: Readonly<Record<string, string>>): Nic[] =>
  JSON.parse(labels[NICS_LABEL] ?? '[]') as Nic[];
