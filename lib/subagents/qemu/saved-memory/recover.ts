import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { removeDraft } from '../checkpoint/take.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { stopQemu } from '../guests/power.js';
import { resumeAfterSave } from './migration.js';
import { NO_MEMORY, removeMemory } from './saved-memory.js';

const recover = async (guests: Guests, entry: Entry): Promise<void> => {
  const { saved, saving } = entry.record;
  if (saved && !saved.used) {
    await stopQemu(entry);
    return;
  }
  if (saving && entry.watch) await resumeAfterSave(entry, entry.watch);
  const isLost = saved !== undefined && !entry.watch;
  if (saved || saving) await entry.update({ ...NO_MEMORY, ...(isLost ? { reason: 'killed' } : {}) });
  if (isLost) guests.states.set(entry.id, 'shutoff', 0, 'killed');
  await removeMemory(entry.paths);
  if (saving?.forSnapshot) await removeDraft(guests, entry);
};

/**
 * Completes what an earlier sub-agent was doing with the memory of guests when it was killed. A save that it had not
 * recorded is undone, and the guest runs on; a start that had let the guest run with its memory is completed. Logs failures.
 */
export const recoverMemory = async (guests: Guests, log: Logger): Promise<void> => {
  await Promise.all(
    guests
      .all()
      .map((entry) =>
        guests
          .exclusively(entry.id, () => recover(guests, entry))
          .catch((error) =>
            log.error({ err: error, guest: entry.id }, `memory not recovered: ${errorMessage(error)}`),
          ),
      ),
  );
};
