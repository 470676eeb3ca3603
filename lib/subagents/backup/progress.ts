const INTERVAL_MS = 1000;

/** Returns a function that calls `report` at most once a second, and otherwise does nothing. */
export const oncePerSecond = <Args extends unknown[]>(
  report: (...args: Args) => void,
): ((...args: Args) => void) => {
  let next = 0;
  return (...args) => {
    const now = Date.now();
    if (now < next) return;
    next = now + INTERVAL_MS;
    report(...args);
  };
};
