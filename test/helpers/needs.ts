import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type Implementation } from 'ava';

type Register = (title: string, implementation: Implementation<[]>) => void;

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const isThere = (part: string): boolean => {
  if (part === 'root') return process.getuid?.() === 0;
  return (process.env.PATH ?? '').split(delimiter).some((dir) => isExecutable(join(dir, part)));
};

/** Those of the parts that are not there; in CI, which installs them all, that is an error. */
export const missingParts = (...parts: string[]): string[] => {
  const missing = parts.filter((part) => !isThere(part));
  if (missing.length > 0 && process.env.CI)
    throw new Error(`CI must have what the tests need: ${missing.join(', ')}`);
  return missing;
};

const register = (run: Register, parts: string[]): Register => {
  const missing = missingParts(...parts);
  if (missing.length === 0) return run;
  return (title, implementation) => {
    test.skip(`${title} (skipped: needs ${missing.join(', ')})`, implementation);
  };
};

/**
 * Registers tests that need real parts: `needs('qemu-img')('grows a disk', async (t) => …)`. Where one is
 * missing the test is skipped and its title says why; in CI, which installs them all, that is an error.
 * @param parts names of programs, or `root`
 */
export const needs = (...parts: string[]): Register => register(test, parts);

/** As `needs`, for tests that are run one after the other. */
export const needsInTurn = (...parts: string[]): Register => register(test.serial, parts);
