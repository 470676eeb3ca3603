/** How long something may take, in milliseconds, and the error for when it takes longer. */
export interface TimeLimit {
  ms: number;
  expired: () => Error;
}

/** Waits for `work` no longer than until the signal is aborted or the time is up; it goes on by itself then. */
export const waitFor = <T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  limit?: TimeLimit,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason);
    const timer = limit && setTimeout(() => reject(limit.expired()), limit.ms);
    const letGo = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).then(letGo);
  });

/** A signal that is aborted when the time is up or an earlier one is; and how to let go of both. */
export interface Deadline {
  signal: AbortSignal;
  clear: () => void;
}

/**
 * `AbortSignal.any` of an `AbortSignal.timeout` would not do: nothing else holds that one, and Node 20's garbage
 * collector takes it away, with the end that it was to bring.
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

/** Runs `work` with a signal that is aborted when the time is up or `signal` is, and waits for it no longer than that. */
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
