import { errorMessage } from '../../errors.js';
import { describeShortage, roomOf } from '../../files/room.js';
import type { Logger } from '../../log.js';
import type { Problems } from '../../rpc/server/problems.js';
import type { DiskStore } from './disk-store.js';

const INTERVAL_MS = 30_000;

/** Returns what is wrong with the room for images and disks; `undefined` while there is enough. */
const shortageOf = async (store: DiskStore): Promise<string | undefined> => {
  const [{ sizeBytes, freeBytes }, { isReadOnly }] = await Promise.all([
    store.space(),
    roomOf(store.workDir),
  ]);
  return describeShortage('the storage of images and disks', { sizeBytes, freeBytes, isReadOnly });
};

/**
 * Reports as a problem that the storage is almost full, full, or read-only. Looks every half minute.
 * @returns a function that stops watching
 */
export const watchRoom = async (
  store: DiskStore,
  problems: Problems,
  log: Logger,
  intervalMs = INTERVAL_MS,
): Promise<() => void> => {
  let isLooking = false;
  const look = async (): Promise<void> => {
    // A pool that hangs must not collect queries.
    if (isLooking) return;
    isLooking = true;
    try {
      problems.set('room', await shortageOf(store));
    } catch (error) {
      log.warn(`room of the storage unknown: ${errorMessage(error)}`);
    } finally {
      isLooking = false;
    }
  };
  await look();
  const timer = setInterval(() => void look(), intervalMs).unref();
  return () => clearInterval(timer);
};
