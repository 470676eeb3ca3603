import type { Guest } from '../../model/guest.js';
import { completeDefinition, createOptions, type Definition, endpointSettings } from './definition.js';
import { EngineError } from './errors.js';
import type { Container, Containers } from './guests.js';
import { engineReference } from './images/names.js';
import { type PullOptions, requireImage } from './images/pull.js';
import { completeNics, engineNetwork, isEngineNic } from './nics/complete.js';
import { unplugNics } from './nics/plug.js';

const refuse = ({ id, state }: Container, advice: string): Error =>
  new Error(`guest ${id} is ${state}: ${advice}`);

/** The first engine network is part of a container from its beginning, the others join it. */
const joinNetworks = async (containers: Containers, { id, nics }: Definition): Promise<void> => {
  for (const nic of nics.filter(isEngineNic).slice(1)) {
    await containers.with(id, async ({ id: Container }) =>
      containers.engine.call((docker) =>
        docker.getNetwork(engineNetwork(nic)).connect({ Container, EndpointConfig: endpointSettings(nic) }),
      ),
    );
  }
};

/** Runs what the engine may refuse because it is so already, or because its container ended meanwhile. */
const unless = async (statuses: readonly number[], work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof EngineError && statuses.includes(error.status))) throw error;
  }
};

const NOT_MODIFIED = 304;
const NOT_FOUND = 404;
const CONFLICT = 409;

const kill = (containers: Containers, id: string): Promise<void> =>
  unless([NOT_FOUND, CONFLICT], () => containers.with(id, (engine) => engine.kill()));

const forceRemove = async (containers: Containers, id: string): Promise<void> => {
  const container = await containers.find(id);
  if (!container) return;
  // A paused one takes no signal, and Podman grants a running one its ten seconds before it removes it.
  if (container.state === 'paused') await containers.with(id, (engine) => engine.unpause());
  if (container.state !== 'stopped') await kill(containers, id);
  await unless([NOT_FOUND], () => containers.with(id, (engine) => engine.remove({ force: true, v: true })));
  await unplugNics(id, container.nics);
};

/** Makes the container of a guest, its image pulled when it is not there; one that exists stays as it is. */
export const create = (
  containers: Containers,
  guest: Guest,
  options: PullOptions,
): Promise<Definition | undefined> =>
  containers.exclusively(guest.id, async () => {
    if (await containers.find(guest.id)) return undefined;
    const nics = await completeNics(containers.engine, guest.id, guest.nics ?? []);
    const definition = completeDefinition(guest, nics);
    const container = createOptions(definition, engineReference(definition.image));
    await requireImage(containers.engine, definition.image, options);
    await containers.engine.call((docker) => docker.createContainer(container));
    try {
      await joinNetworks(containers, definition);
    } catch (error) {
      await forceRemove(containers, guest.id);
      throw error;
    }
    return definition;
  });

/** Starts a container that is stopped, or lets one that is paused go on. */
const startNow = async (containers: Containers, { id, state }: Container): Promise<void> => {
  if (state === 'paused') await containers.with(id, (engine) => engine.unpause());
  else if (state !== 'running')
    await unless([NOT_MODIFIED], () => containers.with(id, (engine) => engine.start()));
  const started = await containers.get(id);
  try {
    await containers.plug(started);
  } catch (error) {
    // A program that ends at once may do so while it is plugged in.
    if ((await containers.get(id)).state === 'stopped') return;
    await kill(containers, id);
    throw error;
  }
};

/** @param timeoutMs after which a container that has not ended by itself is killed */
const stopNow = async (containers: Containers, container: Container, timeoutMs: number): Promise<void> => {
  const { id, state } = container;
  if (state === 'stopped') return;
  if (state === 'paused') await containers.with(id, (engine) => engine.unpause());
  const t = Math.ceil(timeoutMs / 1000);
  await unless([NOT_MODIFIED], () => containers.with(id, (engine) => engine.stop({ t })));
  await unplugNics(id, container.nics);
};

export const start = (containers: Containers, id: string): Promise<void> =>
  containers.exclusively(id, async () => startNow(containers, await containers.get(id)));

/** Asks a container to end, and kills it when it does not within so many milliseconds. */
export const stop = (containers: Containers, id: string, timeoutMs: number): Promise<void> =>
  containers.exclusively(id, async () => stopNow(containers, await containers.get(id), timeoutMs));

/** Stops a container, when it runs, and starts it. */
export const restart = (containers: Containers, id: string, timeoutMs: number): Promise<void> =>
  containers.exclusively(id, async () => {
    await stopNow(containers, await containers.get(id), timeoutMs);
    await startNow(containers, await containers.get(id));
  });

export const pause = (containers: Containers, id: string): Promise<void> =>
  containers.exclusively(id, async () => {
    const container = await containers.get(id);
    if (container.state === 'stopped') throw refuse(container, 'only a running guest can be suspended');
    if (container.state !== 'paused') await containers.with(id, (engine) => engine.pause());
  });

export const unpause = (containers: Containers, id: string): Promise<void> =>
  containers.exclusively(id, async () => {
    const container = await containers.get(id);
    if (container.state === 'stopped') throw refuse(container, 'start it instead');
    if (container.state === 'paused') await containers.with(id, (engine) => engine.unpause());
  });

/** Removes a container with its anonymous volumes, running or not; what is not there is no error. */
export const remove = (containers: Containers, id: string): Promise<void> =>
  containers.exclusively(id, async () => {
    await forceRemove(containers, id);
    containers.states.remove(id);
  });
