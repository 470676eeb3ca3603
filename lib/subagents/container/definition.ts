import type { ContainerCreateOptions } from 'dockerode';
import { defaultMemory } from '../../model/container/memory.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import type { Guest, Nic } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { programOptions } from './command.js';
import { confinement } from './confinement.js';
import { deviceOptions } from './devices.js';
import type { EngineProgram } from './engine.js';
import { healthOptions } from './health/options.js';
import { processLimits, sizeLimits } from './limits.js';
import { createdEndpoints } from './nics/endpoints.js';
import { isHostNetwork } from './nics/engine-network.js';
import type { Policy } from './policy.js';
import { publishing } from './published-ports.js';

/** Seconds that a container has to exit when it is asked to: the default of Docker and Podman. */
export const STOP_TIMEOUT_S = 10;

/** The label with the guest's id, on every container that is a guest. */
export const GUEST_LABEL = 'io.mistify.guest';
/** The label with the state directory of the sub-agent whose guest it is; earlier versions set none. */
export const OWNER_LABEL = 'io.mistify.owner';
/** The label with the guest's NICs as JSON, since the engine stores only a part of them. */
export const NICS_LABEL = 'io.mistify.nics';

export const containerName = (guestId: string): string => `mistify-${guestId}`;
/** The name of the container that is to take the place of a guest's. */
export const newName = (guestId: string): string => `${containerName(guestId)}.new`;
/** The name of the container whose place is taken. */
export const oldName = (guestId: string): string => `${containerName(guestId)}.old`;

/** A guest with everything needed to create its container. */
export interface Definition extends Pick<Guest, 'id' | 'cpu' | 'container'> {
  image: string;
  /** MB; absent for no limit. */
  memory?: number;
  nics: Nic[];
}

/**
 * Fills in defaults.
 * @param nics the guest's NICs, completed
 * @throws when the guest has no image
 */
export const completeDefinition = (guest: Guest, nics: Nic[]): Definition => {
  const { id, image, memory = defaultMemory(guest), cpu, container } = guest;
  if (!image) throw new Refusal('invalid', 'a container needs an image: name one');
  return {
    id,
    image,
    nics,
    ...(memory ? { memory } : {}),
    ...(cpu ? { cpu } : {}),
    ...(container ? { container } : {}),
  };
};

/** Who runs the program and where, and how it ends. */
const processOptions = (id: string, spec: ContainerSpec): ContainerCreateOptions => {
  const { hostname = id, user, workingDir, stopSignal, stopTimeout = STOP_TIMEOUT_S } = spec;
  return {
    Hostname: hostname,
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    // Podman 4.3 makes 0 of a missing one, and "podman stop" would then kill the program at once.
    StopTimeout: stopTimeout,
  };
};

/** Lets programs ping without NET_RAW: icmp(7). A container in the host's network has the host's setting. */
const PING = { 'net.ipv4.ping_group_range': '0 2147483647' };

interface Host {
  program: EngineProgram;
  /** The sub-agent's state directory. */
  owner: string;
  policy: Policy;
}

/**
 * Returns the options of a guest's container: `ContainerCreate` of the Docker Engine API.
 * @throws {Refusal} `invalid` when it contradicts itself, or asks for more than the policy allows
 */
export const createOptions = (
  definition: Definition,
  image: string,
  { program, owner, policy }: Host,
): ContainerCreateOptions => {
  const { id, nics, container = {} } = definition;
  const { NetworkMode, ...network } = createdEndpoints(nics, program, container.aliases);
  const { HostConfig: published, ...exposed } = publishing(container, nics, program.kind);
  return {
    name: containerName(id),
    Image: image,
    Labels: {
      ...container.labels,
      [GUEST_LABEL]: id,
      [OWNER_LABEL]: owner,
      [NICS_LABEL]: JSON.stringify(nics),
    },
    // Keeps a container whose program is a shell running: a shell exits when its input ends.
    OpenStdin: true,
    ...processOptions(id, container),
    ...programOptions(container),
    ...healthOptions(container, program.kind),
    ...network,
    ...exposed,
    HostConfig: {
      NetworkMode,
      ...published,
      ...sizeLimits(definition, container),
      ...processLimits(container),
      ...deviceOptions(container, policy, program),
      ...(nics.some(isHostNetwork) ? {} : { Sysctls: PING }),
      ...(container.init === undefined ? {} : { Init: container.init }),
      ...confinement(container, policy),
    },
  };
};

/** Reads a container's NICs from its labels. */
export const nicsOf = (labels: Readonly<Record<string, string>>): Nic[] =>
  JSON.parse(labels[NICS_LABEL] ?? '[]') as Nic[];
