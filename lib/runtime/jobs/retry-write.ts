import { setTimeout as delay } from 'node:timers/promises';
import { type AgentError, isStorageFailure } from '../../errors.js';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5000;

/** Does a write that is not to be given up. */
export type Persist = <T>(write: () => Promise<T>) => Promise<T>;

/**
 * Does a write again and again for as long as the disk fails. What else it fails with, as when the store is closed,
 * ends it.
 * @param onFailure is called once, when the disk fails for the first time
 */
export const persist = async <T>(
  write: () => Promise<T>,
  onFailure: (error: AgentError) => void,
): Promise<T> => {
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
    try {
      return await write();
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      if (retryMs === FIRST_RETRY_MS) onFailure(error);
      await delay(retryMs, undefined, { ref: false });
    }
  }
};
