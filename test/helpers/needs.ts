import test, { type Implementation } from 'ava';
import { missingParts } from './parts.js';

type Register = (title: string, implementation: Implementation<[]>) => void;

const register = (run: Register, parts: string[]): Register => {
  const missing = missingParts(...parts);
  if (missing.length === 0) return run;
  return (title, implementation) => {
    test.skip(`${title} (skipped: needs ${missing.join(', ')})`, implementation);
  };
};

/**
 * Registers tests that need real parts: `needs('qemu-img')('grows a disk', async (t) => …)`. Where a part is missing,
 * the test is skipped and its title says why.
 * @param parts names of programs, or `root`
 * @throws {Error} in CI, which installs all parts
 */
export const needs = (...parts: string[]): Register => register(test, parts);

/** Like `needs`, for tests that run one after the other. */
export const needsInTurn = (...parts: string[]): Register => register(test.serial, parts);
