/** Waits for `work` no longer than until the signal is aborted. */
export const orAborted = <T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> => {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const letGo = (): void => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(letGo);
  });
};

/** A signal that is aborted when the time is up or an earlier one is; and how to let go of both. */
export interface Deadline {
  signal: AbortSignal;
  clear: () => void;
}

/**
 * `AbortSignal.any` of an `AbortSignal.timeout` would not do: nothing else holds that one, and Node 20's garbage
 * collector takes it away, with the end that it was to bring.
 * @param ms milliseconds
 * @param expired makes the error for when the time is up
 */
export const startDeadline = (
  ms: number,
  expired: () => Error,
  signal: AbortSignal | undefined,
): Deadline => {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(expired()), ms);
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
};

/**
 * Runs `work` with a signal that is aborted when the time is up or `signal` is, and waits for it no longer than that.
 * @param ms milliseconds
 * @param expired makes the error for when the time is up
 */
export const withDeadline = async <T>(
  ms: number,
  expired: () => Error,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const deadline = startDeadline(ms, expired, signal);
  try {
    return await orAborted(deadline.signal, work(deadline.signal));
  } finally {
    deadline.clear();
  }
};
