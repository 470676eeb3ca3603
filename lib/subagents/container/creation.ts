import type { ContainerCreateOptions } from 'dockerode';
import { type ImageMount, namedVolumes } from '../../model/container/mounts.js';
import type { PublishedPort } from '../../model/container/network.js';
import { sharedPort } from '../../model/container/port-clash.js';
import type { Guest } from '../../model/guest.js';
import { createContainer, forceRemove, removeByName } from './changes.js';
import { clearingProgram, programOptions } from './command.js';
import type { Container } from './container.js';
import { completeDefinition, containerName, createOptions, type Definition } from './definition.js';
import type { Guests } from './guests.js';
import { engineReference } from './images/names.js';
import { type PullOptions, requireImage } from './images/pull.js';
import { requireFreePorts } from './listeners.js';
import { checkBinds } from './mounts/bind.js';
import { imageMountsOf } from './mounts/image-volumes.js';
import { mountOptions } from './mounts/options.js';
import { withVolumes } from './mounts/with-volumes.js';
import { completeNics } from './nics/complete.js';
import { checkMacs, laterEndpoints } from './nics/endpoints.js';
import { engineNetwork } from './nics/engine-network.js';

/** Connects a new container to its engine networks, except those that `ContainerCreate` has connected. */
const joinNetworks = async (
  { engine }: Guests,
  name: string,
  { nics, container }: Definition,
): Promise<void> => {
  const later = laterEndpoints(nics, await engine.program(), container?.aliases);
  for (const { nic, settings: EndpointConfig } of later)
    await engine.call((docker) =>
      docker.getNetwork(engineNetwork(nic)).connect({ Container: name, EndpointConfig }),
    );
};

interface Plan {
  definition: Definition;
  container: ContainerCreateOptions;
  /** The paths of its bind mounts on the host, by target. */
  binds: ReadonlyMap<string, string>;
  /** The volumes that would be made, because it mounts them and they do not exist. */
  missing: string[];
}

/**
 * Plans a guest's container and changes nothing.
 * @param ports those that the guest publishes already
 * @throws when the guest is invalid, its network does not exist, it may not have a mount, or something on the host has a
 * port that it publishes
 */
export const plan = async (
  guests: Guests,
  guest: Guest,
  ports: readonly PublishedPort[] = [],
): Promise<Plan> => {
  const { engine, claims, owner, policy, volumes } = guests;
  await claims.requireFree(guest.id);
  const program = await engine.program();
  const nics = await completeNics({ engine, policy }, guest.id, guest.nics ?? []);
  checkMacs(nics, program);
  const definition = completeDefinition(guest, nics);
  const added = guest.container?.ports?.filter((port) => sharedPort([port], ports) === undefined);
  await requireFreePorts(added);
  const reference = engineReference(definition.image);
  const container = createOptions(definition, reference, { program, owner, policy });
  const files = definition.container ?? {};
  const binds = await checkBinds(files, policy.bindDirs);
  return { definition, container, binds, missing: await volumes.missing(namedVolumes(files)) };
};

/** What was made for a guest. */
export interface Made {
  definition: Definition;
  /** Its volumes for the `VOLUME` paths of its image. */
  imageMounts: ImageMount[];
  /** The names of the volumes that it mounts, and that did not exist before. */
  volumes: string[];
}

/** What a container is made for. */
export interface Making {
  /** The name that it has in the engine at first. */
  name: string;
  /** The ports that its guest publishes already. */
  ports?: readonly PublishedPort[] | undefined;
}

/**
 * Makes a container of a guest, after pulling its image if necessary, and does not start it. Nothing is left of one that
 * cannot be made.
 */
export const make = async (
  guests: Guests,
  guest: Guest,
  { name, ports }: Making,
  options: PullOptions,
): Promise<Made> => {
  const { definition, container, binds } = await plan(guests, guest, ports);
  const { Config } = await requireImage(guests.engine, definition.image, options);
  const program = clearingProgram(programOptions(definition.container), Config);
  await guests.claim(guest.id);
  const files = definition.container ?? {};
  const imageMounts = imageMountsOf(guest.id, files, Config);
  const mounts = mountOptions(files, { binds, imageMounts, kind: await guests.engine.kind() });
  const HostConfig = { ...container.HostConfig, ...mounts };
  const volumes = await withVolumes(guests.volumes, { guest: guest.id, files, imageMounts }, async () => {
    await createContainer(guests, guest.id, { ...container, ...program, name, HostConfig });
    try {
      await joinNetworks(guests, name, definition);
    } catch (error) {
      await removeByName(guests, guest.id, name);
      throw error;
    }
  });
  return { definition, imageMounts, volumes };
};

/** Describes a container that was made before, as `make` does. */
const madeBefore = async ({ engine }: Guests, guest: Guest, { nics, image }: Container): Promise<Made> => {
  const definition = completeDefinition(guest, nics);
  const Config = (await engine.find((docker) => docker.getImage(image).inspect()))?.Config ?? {};
  return {
    definition,
    imageMounts: imageMountsOf(guest.id, definition.container ?? {}, Config),
    volumes: [],
  };
};

/**
 * Creates a guest's container, after pulling its image if necessary. When the guest has one that has never started, a kill
 * may have interrupted its create at any step, so it is made anew; one that has started stays.
 */
export const create = (guests: Guests, guest: Guest, options: PullOptions): Promise<Made> =>
  guests.exclusively(guest.id, async () => {
    const container = await guests.find(guest.id);
    if (container?.program) return madeBefore(guests, guest, container);
    if (container) await forceRemove(guests, guest.id);
    return make(guests, guest, { name: containerName(guest.id) }, options);
  });
