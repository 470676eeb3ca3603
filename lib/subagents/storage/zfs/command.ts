import { execa } from 'execa';
import pRetry from 'p-retry';
import { errorMessage } from '../../../errors.js';
import { endingWithParent } from '../../../process/with-parent.js';

/** Long enough for a busy pool; a hanging one must not block the sub-agent for ever. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

/** About five seconds in all. */
const BUSY_RETRIES = { retries: 9, factor: 1.5, minTimeout: 60, maxTimeout: 1000 };

/** A failed zfs(8); the message quotes what it printed. */
export class ZfsError extends Error {
  override readonly name = 'ZfsError';
}

/*
 * zfs(8) exits with 1 for every failure, so its words tell the failures apart: libzfs_util.c and zfs_main.c of OpenZFS
 * 2.1 and of zfs-fuse 0.7.0, in the C locale.
 */
const says = (error: unknown, words: RegExp): boolean =>
  error instanceof ZfsError && words.test(errorMessage(error));

/** Whether the dataset or snapshot does not exist. */
export const isDatasetMissing = (error: unknown): boolean =>
  says(error, /does not exist|could not find any/i);
/** Whether clones or children keep the dataset from being destroyed. */
export const hasDependents = (error: unknown): boolean =>
  says(error, /dependent clones|snapshot is cloned|clones of previous|has children/i);
/** Whether the dataset is busy, which passes: a file system cannot be unmounted right after it was mounted. */
const isBusy = (error: unknown): boolean => says(error, /busy/i);

const explain = (command: string, stderr: string): string => {
  const lines = stderr.trim().split('\n').slice(0, 3).join('; ');
  return `zfs ${command}: ${lines.slice(0, 1000) || 'failed without an error message'}`;
};

/**
 * Runs zfs(8) once. Callers use only commands that both OpenZFS and zfs-fuse have.
 * @returns what it printed
 * @throws {ZfsError} when it fails, takes too long, or cannot be run
 */
export const zfs = async (command: string, ...args: string[]): Promise<string> => {
  // Without core dumps, because zfs of zfs-fuse aborts when asked for a volume.
  const result = await execa(
    'prlimit',
    ['--core=0', ...endingWithParent('KILL', ['zfs', command, ...args])],
    {
      reject: false,
      stdin: 'ignore',
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { LC_ALL: 'C' },
    },
  );
  if (!result.failed) return result.stdout;
  if (result.exitCode === 127)
    throw new ZfsError('zfs cannot be run: install OpenZFS (the package zfsutils-linux)');
  if (result.timedOut) throw new ZfsError(`zfs ${command}: took longer than ${TIMEOUT_MS / 1000} s`);
  throw new ZfsError(explain(command, result.stderr || result.shortMessage || ''), { cause: result });
};

/** Asks OpenZFS for its version: `2.1.11-1`. zfs-fuse does not tell its own. */
export const zfsVersion = async (): Promise<string | undefined> =>
  /^zfs-(\S+)/.exec(await zfs('version').catch(() => ''))?.[1];

/** As `zfs`, for commands that change a mounted dataset: retries for some seconds while the dataset is busy. */
export const zfsWhenFree = (command: string, ...args: string[]): Promise<string> =>
  pRetry(() => zfs(command, ...args), { ...BUSY_RETRIES, shouldRetry: ({ error }) => isBusy(error) });

/** Splits `-H` output into lines of fields. */
const rows = (output: string): string[][] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));

/**
 * Lists properties with `zfs list -H`. Snapshots of a dataset come in the order of creation.
 * @param args options and datasets
 * @returns one row per dataset, none when the dataset does not exist; `-` stands for an unset property
 */
export const listDatasets = async (properties: string[], ...args: string[]): Promise<string[][]> => {
  try {
    return rows(await zfs('list', '-H', '-o', properties.join(','), ...args));
  } catch (error) {
    if (isDatasetMissing(error)) return [];
    throw error;
  }
};

/** Reads the bytes that a dataset and its children take, by name: `zfs list` of zfs-fuse has no exact numbers. */
export const usedBytesOf = async (dataset: string): Promise<ReadonlyMap<string, number>> => {
  const output = await zfs('get', '-H', '-p', '-r', '-d', '1', '-o', 'name,value', 'used', dataset);
  return new Map(rows(output).map(([name = '', value]) => [name, Number(value)]));
};

/** Returns the options that set user properties, JSON-encoded. */
export const withProperties = (properties: Record<string, unknown>): string[] =>
  Object.entries(properties).flatMap(([name, value]) => ['-o', `${name}=${JSON.stringify(value)}`]);

/** Decodes a property set by `withProperties`; `undefined` when it is unset. */
export const parseProperty = <T>(value: string | undefined): T | undefined =>
  value === undefined || value === '-' ? undefined : (JSON.parse(value) as T);
