import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { MistifyError } from './errors.js';

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5000;
/** An agent that asks for more patience than this is told of at once. */
const LONGEST_RETRY_AFTER_SECONDS = 30;

/** The agent has refused it: nothing was done. */
const REFUSED = new Set([429, 503]);
/** Nobody has received it. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOENT', 'EAI_AGAIN']);
/** It may have been received, and the answer lost. */
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE']);

const isWorthIt = (error: unknown, repeatable: boolean): boolean => {
  if (!(error instanceof MistifyError)) return false;
  const { status, code = '', retryAfter = 0 } = error;
  if (REFUSED.has(status)) return retryAfter <= LONGEST_RETRY_AFTER_SECONDS;
  return NEVER_ARRIVED.has(code) || (repeatable && CUT_OFF.has(code));
};

export interface RetryOptions {
  retries: number;
  /** Whether it does no harm to do it twice. */
  repeatable: boolean;
  signal?: AbortSignal | undefined;
}

/** Asks again, ever more slowly and as late as the agent wants it, while that is safe and may help. */
export const retrying = <T>(
  ask: () => Promise<T>,
  { retries, repeatable, signal }: RetryOptions,
): Promise<T> =>
  pRetry(ask, {
    retries,
    minTimeout: FIRST_DELAY_MS,
    maxTimeout: LONGEST_DELAY_MS,
    randomize: true,
    ...(signal ? { signal } : {}),
    shouldRetry: ({ error }) => isWorthIt(error, repeatable),
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !isWorthIt(error, repeatable)) return;
      const { retryAfter = 0 } = error as MistifyError;
      await delay(retryAfter * 1000, undefined, signal ? { signal } : {});
    },
  });
