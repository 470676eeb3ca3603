import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { MistifyError } from './errors.js';

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5000;
/** An agent that asks for more patience than this is told of at once. */
const LONGEST_RETRY_AFTER_SECONDS = 30;

/** The agent has refused it: nothing was done. */
const REFUSED = new Set([429, 503]);
/** The agent has refused it, or a job that was waited for has failed with it. */
const MAY_BE_OF_THE_JOB = 503;
/** Nobody has received it. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOENT', 'EAI_AGAIN']);
/** It may have been received, and the answer lost. */
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE']);

export interface RetryOptions {
  retries: number;
  /** Whether it does no harm to do it twice. */
  repeatable: boolean;
  /** Whether the answer may be that of a job. */
  waits: boolean;
  signal?: AbortSignal | undefined;
}

const isWorthIt = (error: unknown, { repeatable, waits }: RetryOptions): boolean => {
  if (!(error instanceof MistifyError)) return false;
  const { status, code = '', retryAfter = 0 } = error;
  if (status === MAY_BE_OF_THE_JOB && waits && !repeatable) return false;
  if (REFUSED.has(status)) return retryAfter <= LONGEST_RETRY_AFTER_SECONDS;
  return NEVER_ARRIVED.has(code) || (repeatable && CUT_OFF.has(code));
};

/** Asks again, ever more slowly and as late as the agent wants it, while that is safe and may help. */
export const retrying = <T>(ask: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { retries, signal } = options;
  return pRetry(ask, {
    retries,
    minTimeout: FIRST_DELAY_MS,
    maxTimeout: LONGEST_DELAY_MS,
    randomize: true,
    ...(signal ? { signal } : {}),
    shouldRetry: ({ error }) => isWorthIt(error, options),
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !isWorthIt(error, options)) return;
      const { retryAfter = 0 } = error as MistifyError;
      await delay(retryAfter * 1000, undefined, signal ? { signal } : {});
    },
  });
};
