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

const isPresent = (part: string): boolean => {
  if (part === 'root') return process.getuid?.() === 0;
  return (process.env.PATH ?? '').split(delimiter).some((dir) => isExecutable(join(dir, part)));
};

/**
 * Lists the parts that this machine lacks.
 * @throws {Error} in CI, which installs all of them
 */
export const missingParts = (...parts: string[]): string[] => {
  const missing = parts.filter((part) => !isPresent(part));
  if (missing.length > 0 && process.env.CI)
    throw new Error(`CI must have what the tests need, but lacks ${missing.join(', ')}`);
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
 * Registers tests that need real parts: `needs('qemu-img')('grows a disk', async (t) => …)`. Where a part is missing,
 * the test is skipped and its title says why.
 * @param parts names of programs, or `root`
 * @throws {Error} in CI, which installs all parts
 */
export const needs = (...parts: string[]): Register => register(test, parts);

/** Like `needs`, for tests that run one after the other. */
export const needsInTurn = (...parts: string[]): Register => register(test.serial, parts);
