import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Entry } from '../guests/entry.js';
import { generationOf } from '../guests/generation.js';
import type { StartOptions } from '../guests/power-options.js';
import { discardMemory } from './discard.js';
import type { LoadError } from './load.js';
import type { SavedMemory } from './saved-memory.js';

interface DiscardOptions extends StartOptions {
  /** Throws when the guest could not start without its memory either, for lack of room: the memory is kept then. */
  requireRoom: () => void;
}

/** Why memory no longer belongs to the guest's disks; `undefined` when it does. */
const misfitOf = (saved: SavedMemory, generation: string | undefined): string | undefined => {
  if (saved.used) return 'an earlier start, which was interrupted, had let the guest run with it';
  return saved.generation === generation ? undefined : 'the guest was rolled back since';
};

/** @throws {Refusal} `conflict` when memory no longer belongs to the guest's disks */
export const requireFitting = async (
  entry: Entry,
  saved: SavedMemory,
  diskDirs: readonly string[],
): Promise<void> => {
  const misfit = misfitOf(saved, await generationOf(entry, diskDirs));
  if (misfit !== undefined)
    throw new Refusal(
      'conflict',
      `guest ${entry.id} is off, and its saved memory will be discarded at its next start: ${misfit}`,
    );
};

/**
 * Returns the saved memory of a guest that is to start. Discards it when it no longer belongs to the guest's disks.
 * @throws {Refusal} `conflict` when the start is to boot from a device
 */
export const fittingMemory = async (
  entry: Entry,
  diskDirs: readonly string[],
  { boot, note, requireRoom }: DiscardOptions,
): Promise<SavedMemory | undefined> => {
  const { saved } = entry.record;
  if (!saved) return undefined;
  const misfit = misfitOf(saved, await generationOf(entry, diskDirs));
  if (misfit === undefined && boot === undefined) return saved;
  if (misfit === undefined)
    throw new Refusal(
      'conflict',
      `guest ${entry.id} is resumed with its saved memory and does not boot: to boot it from ${boot}, discard its memory with poweroff first`,
    );
  requireRoom();
  await discardMemory(entry);
  note?.(`its saved memory is discarded: ${misfit}`);
  return undefined;
};

/**
 * Discards memory that does not load.
 * @throws {Refusal} `conflict` without `force`; the memory is kept then
 */
export const discardUnloadable = async (
  entry: Entry,
  { message }: LoadError,
  { force, note, requireRoom }: DiscardOptions,
): Promise<void> => {
  if (!force)
    throw new Refusal(
      'conflict',
      `guest ${entry.id}: its saved memory does not load (${message}): it is kept; to start the guest without it, discard it with force=true (--force) or poweroff`,
    );
  requireRoom();
  await discardMemory(entry);
  note?.(`its saved memory is discarded (force), because it does not load: ${message}`);
};
