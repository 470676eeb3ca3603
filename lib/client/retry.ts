import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { MistifyError } from './errors.js';

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5000;
/** A longer Retry-After fails the request at once. */
const LONGEST_RETRY_AFTER_SECONDS = 30;

const UNAVAILABLE = 503;
/** Statuses of a request that the agent refused before doing anything. */
const REFUSED = new Set([429, UNAVAILABLE]);
/** Codes of a request that never reached the agent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOENT', 'EAI_AGAIN']);
/** Codes of a lost connection; the agent may have received the request. */
const CONNECTION_LOST = new Set(['ECONNRESET', 'EPIPE']);

export interface RetryOptions {
  retries: number;
  /** Whether the request may safely be received twice. */
  isRepeatable: boolean;
  /** Whether a 503 may come after the request has had an effect, such as the failure of the job that it waits for. */
  mayBeUnderWay: boolean;
  signal?: AbortSignal | undefined;
}

const isWorthRetrying = (error: unknown, { isRepeatable, mayBeUnderWay }: RetryOptions): boolean => {
  if (!(error instanceof MistifyError)) return false;
  const { status, code = '', retryAfter = 0 } = error;
  if (status === UNAVAILABLE && mayBeUnderWay && !isRepeatable) return false;
  if (REFUSED.has(status)) return retryAfter <= LONGEST_RETRY_AFTER_SECONDS;
  return NOT_SENT.has(code) || (isRepeatable && CONNECTION_LOST.has(code));
};

/** Sends a request again while that is safe and may help, with growing delays and no sooner than Retry-After. */
export const withRetries = <T>(send: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { retries, signal } = options;
  return pRetry(send, {
    retries,
    minTimeout: FIRST_DELAY_MS,
    maxTimeout: LONGEST_DELAY_MS,
    randomize: true,
    ...(signal ? { signal } : {}),
    shouldRetry: ({ error }) => isWorthRetrying(error, options),
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !isWorthRetrying(error, options)) return;
      const { retryAfter = 0 } = error as MistifyError;
      await delay(retryAfter * 1000, undefined, signal ? { signal } : {});
    },
  });
};
