import type { Entry } from '../entry.js';
import type { Guests } from '../guests.js';
import { assertNotMigrating } from '../power.js';
import type { Watch } from '../watch.js';

/** A guest after a change, and what happened in words. */
export interface Changed {
  entry: Entry;
  message: string;
}

/**
 * Returns the watch of a running guest whose devices are about to change; `undefined` when it is off.
 * @throws when its QEMU cannot be asked, or its migration forbids changes
 */
export const runningForChange = async (guests: Guests, entry: Entry): Promise<Watch | undefined> => {
  await guests.machines.adopt(entry);
  const watch = await guests.running(entry);
  if (!watch) return undefined;
  const { state } = guests.lastState(entry);
  assertNotMigrating(entry, state);
  if (state === 'unknown')
    throw entry.stateError(state, 'its QEMU does not reply over QMP: power it off, then change it');
  return watch;
};
