import { errorMessage } from '../../../errors.js';
import type { Guest } from '../../../model/guest.js';
import { rename } from '../changes.js';
import { type Made, make } from '../creation.js';
import { containerName, newName, oldName, STOP_TIMEOUT_S } from '../definition.js';
import type { Guests } from '../guests.js';
import type { PullOptions } from '../images/pull.js';
import { type Note, startNow, stopNow } from '../lifecycle.js';
import { writeReplacement } from './record.js';
import { finish, settleNow } from './settle.js';

/** Puts a container that was made in the place of the old one, and starts it if that ran. */
const takePlace = async (guests: Guests, before: Guest, ran: boolean, note: Note): Promise<void> => {
  const { id } = before;
  const timeoutMs = (before.container?.stopTimeout ?? STOP_TIMEOUT_S) * 1000;
  await stopNow(guests, await guests.get(id), timeoutMs, note);
  await rename(guests, containerName(id), oldName(id));
  await rename(guests, newName(id), containerName(id));
  if (ran) await startNow(guests, await guests.get(id));
};

/**
 * Makes a guest's container anew, with the volumes, addresses and the name of the old one, and starts it if that ran. When
 * anything fails, the old container is put back, and runs if it ran; after a kill in between, `settleAll` does that.
 * @param before the guest as its container is
 * @param after the guest as it is to be
 */
export const replace = async (
  guests: Guests,
  { before, after }: { before: Guest; after: Guest },
  note: Note,
  options: PullOptions,
): Promise<Made> => {
  const { id } = before;
  const { state, name, engineId } = await guests.get(id);
  const ran = state !== 'stopped';
  // Others may have renamed it, and may have given its name to another container.
  if (name !== containerName(id)) await rename(guests, engineId, containerName(id));
  await writeReplacement(guests.owner, id, { ran, done: false });
  guests.replacing.add(id);
  const logFailure = (failure: unknown): void =>
    guests.log.error({ err: failure, guest: id }, errorMessage(failure));
  try {
    const ports = before.container?.ports;
    const made = await make(guests, after, { name: newName(id), ports }, options);
    await takePlace(guests, before, ran, note);
    await writeReplacement(guests.owner, id, { ran, done: true });
    // The guest has changed, even if the old container stays until `settleAll` removes it.
    await finish(guests, id).catch(logFailure);
    return made;
  } catch (error) {
    await settleNow(guests, id).catch(logFailure);
    throw error;
  } finally {
    guests.replacing.delete(id);
  }
};
