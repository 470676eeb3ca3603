type Stop = () => Promise<void>;

/** What a shell gives for a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

const stops = new Set<Stop>();
let isStopping = false;

/** Whether this program ends already: what fails now fails because of that. */
export const isInterrupted = (): boolean => isStopping;

/** What was started last may need what was started before it. */
const stopAll = async (): Promise<void> => {
  isStopping = true;
  for (const stop of [...stops].reverse()) await stop().catch(() => {});
  process.exit(INTERRUPTED);
};

/**
 * Has what was started end also when this program is interrupted: it would outlive it.
 * @returns what ends it otherwise
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
