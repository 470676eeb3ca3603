import { setTimeout as delay } from 'node:timers/promises';
import { type AgentError, isStorageFailure } from '../../errors.js';
import { Backoff } from '../../portable/backoff.js';

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
  let backoff: Backoff | undefined;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      if (!backoff) {
        backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
        onFailure(error);
      }
      await delay(backoff.next(), undefined, { ref: false });
    }
  }
};
