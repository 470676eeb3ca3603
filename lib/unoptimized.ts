import { setFlagsFromString } from 'node:v8';

/**
 * Does what is done once, without V8's optimizing compiler. What that needs for it, on threads of its own, is never
 * given back: 10 MB that stay with the process.
 */
export const unoptimized = async <T>(work: () => Promise<T>): Promise<T> => {
  setFlagsFromString('--no-opt');
  try {
    return await work();
  } finally {
    setFlagsFromString('--opt');
  }
};
