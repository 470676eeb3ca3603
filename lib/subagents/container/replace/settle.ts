import { forceRemove, removeByName, rename } from '../changes.js';
import { containerName } from '../definition.js';
import type { Guests } from '../guests.js';
import { startNow } from '../lifecycle.js';
import { type Replacement, readReplacement, removeReplacement, replacedGuests } from './record.js';

/** The name of the container that is to take the place of a guest's. */
export const newName = (id: string): string => `${containerName(id)}.new`;
/** The name of the container whose place is taken. */
export const oldName = (id: string): string => `${containerName(id)}.old`;

const exists = async ({ engine }: Guests, name: string): Promise<boolean> =>
  (await engine.find((docker) => docker.getContainer(name).inspect())) !== undefined;

/** Removes the old container, whose place is taken. */
export const finish = async (guests: Guests, id: string): Promise<void> => {
  await removeByName(guests, oldName(id));
  await removeReplacement(guests.owner, id);
};

/** Puts the old container back, in whatever step its replacement has ended. */
const undo = async (guests: Guests, id: string, { ran }: Replacement): Promise<void> => {
  await removeByName(guests, newName(id));
  if (await exists(guests, oldName(id))) {
    await forceRemove(guests, id);
    await rename(guests, oldName(id), containerName(id));
  }
  await removeReplacement(guests.owner, id);
  const container = await guests.find(id);
  if (container && ran && container.state === 'stopped') await startNow(guests, container);
};

/** Finishes or undoes the replacement of a guest's container that something has interrupted; nothing to do otherwise. */
export const settleNow = async (guests: Guests, id: string): Promise<void> => {
  const replacement = await readReplacement(guests.owner, id);
  if (replacement?.done) await finish(guests, id);
  else if (replacement) await undo(guests, id, replacement);
};

/** As `settleNow`, for all guests, before their states are read. */
export const settleAll = async (guests: Guests): Promise<void> => {
  for (const id of await replacedGuests(guests.owner))
    await guests.exclusively(id, () => settleNow(guests, id));
};
