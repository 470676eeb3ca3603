import type { Guest } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import {
  forceRemove,
  kill,
  pauseNow,
  removeByName,
  startContainer,
  stopWithin,
  unpauseNow,
} from './changes.js';
import type { Container } from './container.js';
import { newName, oldName } from './definition.js';
import type { Guests } from './guests.js';
import { recheckBinds } from './mounts/bind.js';

const refuse = ({ id, state }: Container, advice: string): Error =>
  new Refusal('conflict', `guest ${id} is ${state}: ${advice}`);

/** Starts a stopped container or unpauses a paused one, and connects its NICs. */
export const startNow = async (guests: Guests, { id, state, binds }: Container): Promise<void> => {
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
export type Note = (message: string) => void;

/** The exit code of a program that SIGKILL ended, as engines report it. */
const KILLED = 'exit code 137';

/**
 * Stops a container.
 * @param timeoutMs milliseconds until a container that has not exited by itself is killed
 */
export const stopNow = async (
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
    // An engine may have finished a replacement's container after it was asked for by a sub-agent that was killed.
    for (const name of [newName(id), oldName(id)]) await removeByName(guests, id, name);
    if (container.imageVolumes !== 'keep') {
      const staying = await guests.volumes.removeOfGuest(id);
      if (staying.length > 0) note(`volumes that others use stay: ${staying.join(', ')}`);
    }
    await guests.forget(id);
  });
