import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { Backoff } from '../../portable/backoff.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { EngineError, isConflict, refusingMistakes } from './errors.js';
import type { Guests } from './guests.js';
import { findNamed } from './lookup.js';
import { type ContainerState, programRunOf } from './state.js';

const FIRST_LOOK_MS = 20;
const MAX_LOOK_MS = 500;
/** About two seconds. */
const KILL_LOOKS = 8;

/**
 * Whether a change that failed has its effect all the same.
 * @param state the state after it; `undefined` when the container is gone
 */
type IsReached = (state: ContainerState | undefined, error: EngineError) => boolean;

const isStopped = (state: ContainerState | undefined): boolean => state === undefined || state === 'stopped';

/**
 * Changes a container. A failure does not count when the container is in the wanted state all the same: its program may
 * exit, and others may change the container, at any moment, which engines report with different statuses.
 * @param looks how often to look at the container after a failure
 * @throws `...: not found` when the container is gone, and is not meant to be
 */
const reach = async (
  guests: Guests,
  id: string,
  isReached: IsReached,
  change: (container: Docker.Container) => Promise<unknown>,
  looks = 1,
): Promise<void> => {
  try {
    await guests.withContainer(id, change);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const backoff = new Backoff(FIRST_LOOK_MS, MAX_LOOK_MS);
    for (let look = 1; ; look += 1) {
      const container = await guests.find(id);
      if (isReached(container?.state, error)) return;
      if (!container) await guests.get(id);
      if (look === looks) throw error;
      await delay(backoff.next());
    }
  }
};

export const kill = (guests: Guests, id: string): Promise<void> =>
  reach(
    guests,
    id,
    // Podman calls a container whose program has just exited running for some time, but cannot kill it.
    (state, error) => isStopped(state) || isConflict(error),
    (container) => container.kill(),
    KILL_LOOKS,
  );

export const unpauseNow = (guests: Guests, id: string): Promise<void> =>
  reach(
    guests,
    id,
    (state) => state !== 'paused',
    (container) => container.unpause(),
  );

export const pauseNow = (guests: Guests, id: string): Promise<void> =>
  refusingMistakes(() =>
    reach(
      guests,
      id,
      (state) => state === 'paused' || isStopped(state),
      (container) => container.pause(),
    ),
  );

/** @param t seconds until the engine kills a container that has not exited by itself */
export const stopWithin = (guests: Guests, id: string, t: number): Promise<void> =>
  reach(guests, id, isStopped, (container) => container.stop({ t }));

/** @throws {Refusal} `invalid` when the container has no program that can be started */
export const startContainer = (guests: Guests, id: string): Promise<void> =>
  refusingMistakes(() =>
    reach(
      guests,
      id,
      (state) => state === 'running',
      (container) => container.start(),
    ),
  );

/** Removes a container, running or not, with its anonymous volumes and its NICs. */
export const forceRemove = async (guests: Guests, id: string): Promise<void> => {
  const container = await guests.find(id);
  if (!container) return;
  // A paused container takes no signal, and Podman waits ten seconds before it removes a running one.
  if (container.state === 'paused') await unpauseNow(guests, id);
  if (container.state !== 'stopped') await kill(guests, id);
  await reach(
    guests,
    id,
    (state) => state === undefined,
    (engine) => engine.remove({ force: true, v: true }),
  );
  await guests.unplug(container);
};

/**
 * Removes a guest's container that does not run by its name, with its anonymous volumes. Succeeds without one, and leaves
 * one of others alone.
 */
export const removeByName = async ({ engine }: Guests, id: string, name: string): Promise<void> => {
  const found = await findNamed(engine, id, name);
  if (found) await engine.find((docker) => docker.getContainer(found.Id).remove({ force: true, v: true }));
};

/**
 * Gives a container another name.
 * @param from its name, or the engine's id of it
 * @throws {Refusal} `conflict` when another container has the name
 */
export const rename = ({ engine }: Guests, from: string, to: string): Promise<void> =>
  refusingMistakes(() => engine.call((docker) => docker.getContainer(from).rename({ name: to })));

const isTaken = (name: string, cause: unknown): Refusal =>
  new Refusal(
    'conflict',
    `the engine has a container named ${name} already, which this agent did not create: remove it, or give the guest ` +
      'another id',
    { cause },
  );

/**
 * Creates a container of a guest. It takes the place of one that has the guest's label and has never started: an engine
 * may finish a create that it was asked for by a sub-agent that was killed meanwhile.
 * @throws {Refusal} `conflict` when the engine has another container of that name
 */
export const createContainer = (
  guests: Guests,
  id: string,
  options: ContainerCreateOptions & { name: string },
): Promise<unknown> => {
  const { engine } = guests;
  const ask = () => engine.call((docker) => docker.createContainer(options));
  return refusingMistakes(async () => {
    try {
      return await ask();
    } catch (error) {
      if (!isConflict(error)) throw error;
      const earlier = await findNamed(engine, id, options.name);
      if (!earlier || programRunOf(earlier.State)) throw isTaken(options.name, error);
      await removeByName(guests, id, options.name);
      return ask();
    }
  });
};
