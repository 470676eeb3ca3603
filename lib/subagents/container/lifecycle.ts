import type { ContainerCreateOptions } from 'dockerode';
import { type ImageMount, namedVolumes } from '../../model/container/mounts.js';
import type { Guest } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import {
  createContainer,
  forceRemove,
  kill,
  pauseNow,
  startContainer,
  stopWithin,
  unpauseNow,
} from './changes.js';
import { clearingProgram, programOptions } from './command.js';
import { completeDefinition, createOptions, type Definition } from './definition.js';
import type { Container, Guests } from './guests.js';
import { engineReference } from './images/names.js';
import { type PullOptions, requireImage } from './images/pull.js';
import { requireFreePorts } from './listeners.js';
import { checkBinds, recheckBinds } from './mounts/bind.js';
import { imageMountsOf } from './mounts/image-volumes.js';
import { mountOptions } from './mounts/options.js';
import { withVolumes } from './mounts/with-volumes.js';
import { completeNics } from './nics/complete.js';
import { checkMacs, laterEndpoints } from './nics/endpoints.js';
import { engineNetwork } from './nics/engine-network.js';

const refuse = ({ id, state }: Container, advice: string): Error =>
  new Refusal('conflict', `guest ${id} is ${state}: ${advice}`);

/** Connects a new container to its engine networks, except those that `ContainerCreate` has connected. */
const joinNetworks = async (guests: Guests, { id, nics, container }: Definition): Promise<void> => {
  const later = laterEndpoints(nics, await guests.engine.program(), container?.aliases);
  for (const { nic, settings: EndpointConfig } of later) {
    await guests.withContainer(id, async ({ id: Container }) =>
      guests.engine.call((docker) =>
        docker.getNetwork(engineNetwork(nic)).connect({ Container, EndpointConfig }),
      ),
    );
  }
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
 * @throws when the guest is invalid, its network does not exist, it may not have a mount, or something on the host has a
 * port that it publishes
 */
export const plan = async (guests: Guests, guest: Guest): Promise<Plan> => {
  const { engine, claims, owner, policy, volumes } = guests;
  await claims.requireFree(guest.id);
  const program = await engine.program();
  const nics = await completeNics({ engine, policy }, guest.id, guest.nics ?? []);
  checkMacs(nics, program);
  const definition = completeDefinition(guest, nics);
  await requireFreePorts(guest.container?.ports);
  const reference = engineReference(definition.image);
  const container = createOptions(definition, reference, { program, owner, policy });
  const files = definition.container ?? {};
  const binds = await checkBinds(files, policy.bindDirs);
  return { definition, container, binds, missing: await volumes.missing(namedVolumes(files)) };
};

/** What was made for a guest. */
interface Made {
  definition: Definition;
  /** Its volumes for the `VOLUME` paths of its image. */
  imageMounts: ImageMount[];
  /** The names of the volumes that it mounts, and that did not exist before. */
  volumes: string[];
}

/**
 * Creates a guest's container, after pulling its image if necessary.
 * @returns what was made; `undefined` when the container already exists
 */
export const create = (guests: Guests, guest: Guest, options: PullOptions): Promise<Made | undefined> =>
  guests.exclusively(guest.id, async () => {
    if (await guests.find(guest.id)) return undefined;
    const { definition, container, binds } = await plan(guests, guest);
    const { Config } = await requireImage(guests.engine, definition.image, options);
    const program = clearingProgram(programOptions(definition.container), Config);
    await guests.claim(guest.id);
    const files = definition.container ?? {};
    const imageMounts = imageMountsOf(guest.id, files, Config);
    const mounts = mountOptions(files, { binds, imageMounts, kind: await guests.engine.kind() });
    const HostConfig = { ...container.HostConfig, ...mounts };
    const volumes = await withVolumes(guests.volumes, { guest: guest.id, files, imageMounts }, async () => {
      await createContainer(guests, { ...container, ...program, HostConfig });
      try {
        await joinNetworks(guests, definition);
      } catch (error) {
        await forceRemove(guests, guest.id);
        throw error;
      }
    });
    return { definition, imageMounts, volumes };
  });

/** Starts a stopped container or unpauses a paused one, and connects its NICs. */
const startNow = async (guests: Guests, { id, state, binds }: Container): Promise<void> => {
  if (state === 'paused') await unpauseNow(guests, id);
  else if (state !== 'running') {
    await recheckBinds(binds, guests.policy.bindDirs);
    await startContainer(guests, id);
  }
  const started = await guests.get(id);
  try {
    await guests.plug(started);
  } catch (error) {
    // A short-lived program may exit while its NICs are being connected.
    if ((await guests.get(id)).state === 'stopped') return;
    await kill(guests, id);
    throw error;
  }
};

/**
 * Runs a poweroff or a delete. It does not wait for the timeout of a stop before it: engines kill a container that they
 * are stopping.
 */
const preempting = async (guests: Guests, id: string, change: () => Promise<void>): Promise<void> => {
  const { preemptions, stopping } = guests;
  preemptions.set(id, (preemptions.get(id) ?? 0) + 1);
  try {
    if (stopping.has(id)) await kill(guests, id);
    await guests.exclusively(id, change);
  } finally {
    const left = (preemptions.get(id) ?? 1) - 1;
    if (left > 0) preemptions.set(id, left);
    else preemptions.delete(id);
  }
};

/** Takes what the caller should know about a success. */
type Note = (message: string) => void;

/** The exit code of a program that SIGKILL ended, as engines report it. */
const KILLED = 'exit code 137';

/**
 * Stops a container.
 * @param timeoutMs milliseconds until a container that has not exited by itself is killed
 */
const stopNow = async (
  guests: Guests,
  container: Container,
  timeoutMs: number,
  note: Note,
): Promise<void> => {
  const { id, state } = container;
  if (state === 'stopped') return;
  if (state === 'paused') await unpauseNow(guests, id);
  const t = guests.preemptions.has(id) ? 0 : Math.ceil(timeoutMs / 1000);
  const began = performance.now();
  guests.stopping.add(id);
  try {
    await stopWithin(guests, id, t);
  } finally {
    guests.stopping.delete(id);
  }
  if (t > 0 && performance.now() - began >= t * 1000 && (await guests.find(id))?.reason === KILLED)
    note(`the container did not exit within ${t} s and was killed`);
  await guests.unplug(container);
};

export const start = (guests: Guests, id: string): Promise<void> =>
  guests.exclusively(id, async () => startNow(guests, await guests.get(id)));

/** Asks a container to exit, and kills it after `timeoutMs` milliseconds; 0 also ends a stop under way. */
export const stop = (guests: Guests, id: string, timeoutMs: number, note: Note): Promise<void> => {
  const change = async (): Promise<void> => stopNow(guests, await guests.get(id), timeoutMs, note);
  return timeoutMs === 0 ? preempting(guests, id, change) : guests.exclusively(id, change);
};

/** Stops a container if it runs, and starts it. */
export const restart = (guests: Guests, id: string, timeoutMs: number, note: Note): Promise<void> =>
  guests.exclusively(id, async () => {
    await stopNow(guests, await guests.get(id), timeoutMs, note);
    if (guests.preemptions.has(id))
      throw new Refusal('conflict', `guest ${id} was powered off or deleted while it restarted`);
    await startNow(guests, await guests.get(id));
  });

export const pause = (guests: Guests, id: string): Promise<void> =>
  guests.exclusively(id, async () => {
    const isRunning = (container: Container): boolean => {
      if (container.state === 'stopped') throw refuse(container, 'only a running guest can be suspended');
      return container.state !== 'paused';
    };
    if (!isRunning(await guests.get(id))) return;
    await pauseNow(guests, id);
    isRunning(await guests.get(id));
  });

export const unpause = (guests: Guests, id: string): Promise<void> =>
  guests.exclusively(id, async () => {
    const container = await guests.get(id);
    if (container.state === 'stopped') throw refuse(container, 'start it instead');
    if (container.state === 'paused') await unpauseNow(guests, id);
  });

/**
 * Removes a container, running or not, with its anonymous volumes; succeeds without a container. Ends a stop under way.
 * Removes the volumes for the `VOLUME` paths of its image, too, unless the guest keeps them, and no others.
 */
export const remove = (
  guests: Guests,
  { id, container = {} }: Pick<Guest, 'id' | 'container'>,
  note: Note,
): Promise<void> =>
  preempting(guests, id, async () => {
    await forceRemove(guests, id);
    if (container.imageVolumes !== 'keep') {
      const staying = await guests.volumes.removeOfGuest(id);
      if (staying.length > 0) note(`volumes that others use stay: ${staying.join(', ')}`);
    }
    await guests.forget(id);
  });
