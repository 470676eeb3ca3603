/** A time limit in milliseconds, and the error for work that exceeds it. */
export interface TimeLimit {
  ms: number;
  expired: () => Error;
}

/**
 * Waits for `work` until the signal aborts or the limit expires. The work itself continues.
 * @throws the signal's reason, or the limit's error
 */
export const waitFor = <T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  limit?: TimeLimit,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const release = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (reason: unknown): void => {
      release();
      reject(reason);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const timer = limit && setTimeout(() => giveUp(limit.expired()), limit.ms);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).then(release);
  });

/** A signal that aborts at a deadline. Call `clear` when the work has ended, to release its timer and listener. */
export interface Deadline {
  signal: AbortSignal;
  clear: () => void;
}

/**
 * Makes a signal that aborts when the limit expires or the given signal aborts.
 *
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` is no substitute: nothing else refers to the timeout signal, so
 * Node 20 collects it as garbage, and it never fires.
 * @throws the signal's reason when it has aborted already
 */
export const startDeadline = (limit: TimeLimit, signal: AbortSignal | undefined): Deadline => {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(limit.expired()), limit.ms);
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
};

/** Runs `work` with a signal that aborts at the deadline, and stops waiting for it then. */
export const withDeadline = async <T>(
  limit: TimeLimit,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const deadline = startDeadline(limit, signal);
  try {
    return await waitFor(work(deadline.signal), deadline.signal);
  } finally {
    deadline.clear();
  }
};
