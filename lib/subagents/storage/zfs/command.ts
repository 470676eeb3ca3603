import { execa } from 'execa';
import pRetry from 'p-retry';
import { errorMessage } from '../../../errors.js';

/** A pool that is busy with other things answers late; one that does not answer at all must not hang us for ever. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

/** Some five seconds in all. */
const BUSY_RETRIES = { retries: 9, factor: 1.5, minTimeout: 60, maxTimeout: 1000 };

/** zfs(8) could not do it; the message has its own words. */
export class ZfsError extends Error {
  override readonly name = 'ZfsError';
}

const says = (error: unknown, words: RegExp): boolean =>
  error instanceof ZfsError && words.test(errorMessage(error));

export const isMissing = (error: unknown): boolean => says(error, /does not exist|could not find any/i);
export const hasDependents = (error: unknown): boolean =>
  says(error, /dependent clones|snapshot is cloned|clones of previous|has children/i);
/** It passes: a file system that was mounted a moment ago cannot be unmounted at once. */
const isBusy = (error: unknown): boolean => says(error, /busy/i);

const explain = (command: string, stderr: string): string => {
  const lines = stderr.trim().split('\n').slice(0, 3).join('; ');
  return `zfs ${command}: ${lines.slice(0, 1000) || 'failed without a word'}`;
};

/**
 * Runs zfs(8) once and gives back what it printed. The same for OpenZFS and zfs-fuse: nothing is used that only one
 * of them has.
 * @throws {ZfsError} when it fails, takes too long, or cannot be run
 */
export const zfs = async (command: string, ...args: string[]): Promise<string> => {
  // Without core dumps: zfs-fuse's program aborts when it is asked for a volume.
  const result = await execa('prlimit', ['--core=0', 'zfs', command, ...args], {
    reject: false,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { LC_ALL: 'C' },
  });
  if (!result.failed) return result.stdout;
  if (result.exitCode === 127)
    throw new ZfsError('zfs cannot be run: install OpenZFS (the package zfsutils-linux)');
  if (result.timedOut) throw new ZfsError(`zfs ${command}: took longer than ${TIMEOUT_MS / 1000} s`);
  throw new ZfsError(explain(command, result.stderr || result.shortMessage || ''), { cause: result });
};

/** As `zfs`, for what changes something mounted: tried again for some seconds while that is busy. */
export const zfsWhenFree = (command: string, ...args: string[]): Promise<string> =>
  pRetry(() => zfs(command, ...args), { ...BUSY_RETRIES, shouldRetry: ({ error }) => isBusy(error) });

/** The lines of a command's `-H` output, their fields apart. */
const rows = (output: string): string[][] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));

/**
 * `zfs list -H` of some properties; snapshots of a dataset come in the order they were taken.
 * @param args options and datasets
 * @returns a row for each; none when the dataset does not exist. `-` is a property that is not set
 */
export const listDatasets = async (properties: string[], ...args: string[]): Promise<string[][]> => {
  try {
    return rows(await zfs('list', '-H', '-o', properties.join(','), ...args));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** Arguments that set user properties. */
export const withProperties = (properties: Record<string, unknown>): string[] =>
  Object.entries(properties).flatMap(([name, value]) => ['-o', `${name}=${JSON.stringify(value)}`]);

/** A property's value as it was set by `withProperties`; `undefined` for one that was not. */
export const parseProperty = <T>(value: string | undefined): T | undefined =>
  value === undefined || value === '-' ? undefined : (JSON.parse(value) as T);
