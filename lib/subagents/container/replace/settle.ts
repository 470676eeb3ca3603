import { errorMessage } from '../../../errors.js';
import { forceRemove, removeByName, rename } from '../changes.js';
import type { Container } from '../container.js';
import { containerName, newName, oldName } from '../definition.js';
import { NoEngineError } from '../errors.js';
import type { Guests } from '../guests.js';
import { startNow } from '../lifecycle.js';
import { findNamed } from '../lookup.js';
import { type Replacement, readReplacement, removeReplacement, replacedGuests } from './record.js';

/** Removes the old container, whose place is taken. */
export const finish = async (guests: Guests, id: string): Promise<void> => {
  await removeByName(guests, id, oldName(id));
  await removeReplacement(guests.owner, id);
};

/** Starts a container that ran before. One that does not start any more stays off: another attempt would not help. */
const startAgain = async (guests: Guests, container: Container): Promise<void> => {
  try {
    await startNow(guests, container);
  } catch (error) {
    if (error instanceof NoEngineError) throw error;
    guests.log.error({ err: error, guest: container.id }, errorMessage(error));
  }
};

/** Puts the old container back, in whatever step its replacement has ended. */
const undo = async (guests: Guests, id: string, { ran }: Replacement): Promise<void> => {
  await removeByName(guests, id, newName(id));
  const old = await findNamed(guests.engine, id, oldName(id));
  if (old) {
    await forceRemove(guests, id);
    await rename(guests, old.Id, containerName(id));
  }
  const container = await guests.find(id);
  if (container && ran && container.state === 'stopped') await startAgain(guests, container);
  await removeReplacement(guests.owner, id);
};

/** Finishes or undoes the replacement of a guest's container that something has interrupted; nothing to do otherwise. */
export const settleNow = async (guests: Guests, id: string): Promise<void> => {
  const replacement = await readReplacement(guests.owner, id);
  if (replacement?.done) await finish(guests, id);
  else if (replacement) await undo(guests, id, replacement);
};

/** As `settleNow`, for all guests, before their states are read. A guest that cannot be settled does not stop the others. */
export const settleAll = async (guests: Guests): Promise<void> => {
  for (const id of await replacedGuests(guests.owner))
    try {
      await guests.exclusively(id, () => settleNow(guests, id));
    } catch (error) {
      if (error instanceof NoEngineError) throw error;
      guests.log.error({ err: error, guest: id }, errorMessage(error));
    }
};
