type Stop = () => Promise<void>;

/** A shell's exit code for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const stops = new Set<Stop>();
let isStopping = false;

/** Checks whether this program is being interrupted: failures are a consequence then. */
export const isInterrupted = (): boolean => isStopping;

/** Stops in reverse order: later programs may need earlier ones. */
const stopAll = async (): Promise<void> => {
  isStopping = true;
  for (const stop of [...stops].reverse()) await stop().catch(() => {});
  process.exit(INTERRUPTED);
};

/**
 * Registers a `stop` that also runs when this program is interrupted.
 * @returns the function to call otherwise
 */
export const stopWhenInterrupted = (stop: Stop): Stop => {
  if (process.listenerCount('SIGINT') === 0)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll());
  stops.add(stop);
  return async () => {
    await stop();
    stops.delete(stop);
  };
};
