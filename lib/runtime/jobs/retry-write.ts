import { setTimeout as delay } from 'node:timers/promises';
import { type AgentError, isStorageFailure } from '../../errors.js';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5000;

/** Runs a write until it succeeds, however long the disk fails. */
export type RetryWrite = <T>(write: () => Promise<T>) => Promise<T>;

/**
 * Runs a write until it succeeds. Only failures of the disk are retried; any other error, such as that of a closed
 * store, is thrown.
 * @param onFailure called once, at the first failure of the disk
 */
export const retryWrite = async <T>(
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
