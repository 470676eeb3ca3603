import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Entry } from '../guests/entry.js';
import { removeMemory } from './saved-memory.js';

/**
 * Discards the saved memory of a guest.
 * @returns whether there was any
 */
export const discardMemory = async (entry: Entry): Promise<boolean> => {
  if (!entry.record.saved) return false;
  await entry.update({ saved: undefined, reason: 'poweroff' });
  await removeMemory(entry.paths);
  return true;
};

/** @throws {Refusal} `conflict` when a guest's memory is saved, which fits the guest only as it is */
export const requireNotSaved = ({ id, record }: Entry): void => {
  if (record.saved)
    throw new Refusal(
      'conflict',
      `the memory of guest ${id} is saved, and fits its hardware only as it is: start the guest first, or discard its memory with poweroff`,
    );
};
