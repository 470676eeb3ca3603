let waiting: (() => void)[] = [];

const doAll = (): void => {
  const all = waiting;
  waiting = [];
  for (const work of all) work();
};

/**
 * Does something at the end of this turn of the event loop, right after what else waits for that. To wake a process that
 * sleeps takes as long as to make a small message: of messages that are written together the first alone wakes it.
 * @param work does not throw
 */
export const atEndOfTurn = (work: () => void): void => {
  if (waiting.push(work) === 1) setImmediate(doAll);
};
