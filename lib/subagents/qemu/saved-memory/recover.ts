import type { Entry } from '../guests/entry.js';
import { stopQemu } from '../guests/power.js';
import { resumeAfterSave } from './migration.js';
import { removeMemory } from './saved-memory.js';

/**
 * Completes what an earlier sub-agent was doing with a guest's memory when it was killed. A save that it had not recorded
 * is undone, and the guest runs on; a start that had let the guest run with the memory is completed.
 */
export const recoverMemory = async (entry: Entry): Promise<void> => {
  const { saved, saving } = entry.record;
  if (saved && !saved.used) {
    await stopQemu(entry);
    return;
  }
  if (saving && entry.watch) await resumeAfterSave(entry, entry.watch);
  if (saved || saving) await entry.update({ saved: undefined, saving: undefined });
  await removeMemory(entry.paths);
};
