import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Well below what a program that has rested may make before V8 takes it for pressure, which is some 15 MB. */
const COLLECT_EVERY_BYTES = 2 * 1024 * 1024;

/** V8's own, which it gives to contexts that are made while the flag is set. */
const exposedGc = (): NodeJS.GCFunction => {
  setFlagsFromString('--expose-gc');
  const gc: NodeJS.GCFunction = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return gc;
};

let collect: NodeJS.GCFunction | undefined;
let passed = 0;

/**
 * Has V8 collect what is young, a third of a millisecond, for each few MB that have been passed on. By itself it lets
 * 32 MB of buffers pile up, and once it has given back what a program at rest does not need, takes these for pressure:
 * it collects the whole heap every 60 ms then, on all cores, and a download takes twice as long.
 * @param bytes what has just been passed on, in a buffer of its own
 */
export const collectAsPassed = (bytes: number): void => {
  passed += bytes;
  if (passed < COLLECT_EVERY_BYTES) return;
  passed = 0;
  collect ??= exposedGc();
  // There is so little to do that to wake V8's helpers takes longer.
  setFlagsFromString('--no-parallel-scavenge');
  collect({ type: 'minor' });
  setFlagsFromString('--parallel-scavenge');
};
