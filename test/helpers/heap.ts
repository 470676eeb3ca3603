import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects all garbage and returns the bytes of this process's heap that are in use. */
export const heapAfterCollection = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};
