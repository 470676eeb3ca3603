import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { startDeadline, type TimeLimit } from '../../../async/deadline.js';
import { imageKey, type Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import type { Claim } from '../../shared/disk/space.js';
import { checkDigests, type Digests, differenceOf } from '../../shared/download/digests.js';
import { describeBytes } from '../../shared/download/progress.js';
import { describeSource, openSource, type SourceOptions } from '../../shared/download/source.js';
import { SourceError } from '../../shared/download/source-error.js';
import { fetchSums } from '../../shared/download/sums-file.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import { importRaw } from './import-raw.js';
import { inspectFile } from './inspect.js';
import {
  addImage,
  checkStoredSums,
  type FetchedImage,
  findSame,
  hasDigests,
  type InstallDeps,
  replaceImage,
} from './install.js';
import { openRawSource } from './raw-source.js';
import { type ReceiveOptions, receive } from './receive.js';
import { areSumsPending } from './stored-sums.js';
import { algorithmsFor, type FetchContext, type WantedImage } from './wanted-image.js';

/** How often a download starts over from the first byte when it cannot resume. */
const MAX_RESTARTS = 3;
/** Ends a download whose bytes keep trickling in. */
const FETCH_LIMIT: TimeLimit = {
  ms: 24 * 60 * 60_000,
  expired: () => new Error('the fetch took longer than a day'),
};

export interface FetchDeps
  extends InstallDeps,
    Pick<SourceOptions, 'importDirs' | 'guard' | 'stallMs' | 'backoffMs'> {
  locks: Locks;
  log: Logger;
  /** See `ReceiveOptions`. */
  largeBytes?: number;
}

const mustStartOver = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'start-over';
const isInterrupted = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'interrupted';

const sourceOptionsOf = (
  { importDirs, guard, stallMs, backoffMs }: FetchDeps,
  signal: AbortSignal,
): SourceOptions => ({
  importDirs,
  guard,
  signal,
  ...(stallMs ? { stallMs } : {}),
  ...(backoffMs ? { backoffMs } : {}),
});

/** Returns all sums that the served file must have; those of a file of sums are fetched first. */
const expectedDigests = async (
  deps: FetchDeps,
  { id, source, digests, sums }: WantedImage,
  signal: AbortSignal,
): Promise<Digests> => {
  if (sums === undefined) return digests;
  try {
    const listed = await fetchSums(sums, source, sourceOptionsOf(deps, signal));
    const name = differenceOf(listed, digests);
    if (name !== undefined && listed[name] !== undefined)
      throw new Refusal(
        'invalid',
        `"sums" lists the ${name} ${listed[name]} for ${describeSource(source)}, not ${digests[name]}`,
      );
    return { ...listed, ...digests };
  } catch (error) {
    throw failureIn(`image ${id}`, error);
  }
};

/** Receives the file, starting over where the source cannot resume. */
const receiveFile = (
  deps: FetchDeps,
  { id, source }: WantedImage,
  options: ReceiveOptions,
): ReturnType<typeof receive> => {
  const { signal } = options;
  const { log, backoffMs } = deps;
  const onInterruption = (message: string): void =>
    log.warn({ image: id }, `download interrupted, retrying: ${message}`);
  const sourceOptions = { ...sourceOptionsOf(deps, signal), onInterruption };
  return pRetry(async () => receive(await openSource(source, sourceOptions), options), {
    retries: MAX_RESTARTS,
    minTimeout: backoffMs ?? 1000,
    signal,
    // An address that fails at the first attempt is more likely wrong than briefly down.
    shouldRetry: ({ error, attemptNumber }) =>
      mustStartOver(error) || (attemptNumber > 1 && isInterrupted(error)),
    onFailedAttempt: ({ error }) => {
      if (mustStartOver(error)) onInterruption(`${error.message}; starting over from the first byte`);
    },
  });
};

/** What a fetch does its work with. */
interface FetchTools extends Pick<FetchContext, 'progress' | 'signal'> {
  claim: Claim;
}

/** Receives the file at `path`, checks it there, and makes the image of it. */
const fetchTo = async (
  path: string,
  deps: FetchDeps,
  wanted: WantedImage,
  expected: Digests,
  { claim, progress, signal }: FetchTools,
): Promise<FetchedImage> => {
  const { id, format, refresh } = wanted;
  const { locks, largeBytes } = deps;
  const onBytes = (done: number, total?: number): void => progress.set(...describeBytes(done, total));
  const algorithms = algorithmsFor(expected);
  const options = { path, claim, signal, onBytes, algorithms, format, ...(largeBytes ? { largeBytes } : {}) };
  const { digests } = await receiveFile(deps, wanted, options);
  checkDigests(digests, expected);
  const same = refresh ? await findSame(deps, id, digests, signal) : undefined;
  if (same) return same;
  progress.set('download complete, converting');
  const { dataBytes, ...file } = await inspectFile(path, format, signal);
  await claim.require(dataBytes);
  const install = refresh ? replaceImage : addImage;
  return locks.run(imageKey(id), () => install(deps, id, file, { digests }));
};

const fetchInto = async (
  dir: string,
  deps: FetchDeps,
  wanted: WantedImage,
  expected: Digests,
  { space, progress, signal: cancelled }: FetchContext,
): Promise<FetchedImage> => {
  const { signal, clear } = startDeadline(FETCH_LIMIT, cancelled);
  const claim = space.claim();
  const tools = { claim, progress, signal };
  try {
    const raw = await openRawSource(wanted, deps);
    if (!raw) return await fetchTo(join(dir, 'download'), deps, wanted, expected, tools);
    try {
      return await importRaw(deps, wanted, raw, expected, tools);
    } finally {
      await raw.file.handle.close();
    }
  } catch (error) {
    // The reason for the abort says more than the error that it caused.
    signal.throwIfAborted();
    throw error;
  } finally {
    claim.release();
    clear();
  }
};

/** Returns the result of a fetch that needs no download; `undefined` when it needs one. */
const findExisting = async (
  deps: FetchDeps,
  { id, refresh }: WantedImage,
  expected: Digests,
  signal: AbortSignal,
): Promise<FetchedImage | undefined> => {
  if (refresh) return hasDigests(expected) ? findSame(deps, id, expected, signal) : undefined;
  const stored = await deps.store.findImage(id);
  if (!stored) return undefined;
  await checkStoredSums(deps, id, expected, signal);
  const message = `image ${id} exists already and was not fetched again: ask for a refresh to get a newer one`;
  return { image: requireReadable(stored), message };
};

/**
 * Checks that an image's source can be read, without fetching it.
 * @returns what the check leaves open; `undefined` when the store has the image
 * @throws as `fetchImage`, as far as that is known after the first bytes
 */
export const checkFetch = async (
  deps: FetchDeps,
  wanted: WantedImage,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const expected = await expectedDigests(deps, wanted, signal);
  // A dry run has no time to read a whole image.
  if (await areSumsPending(deps, wanted.id, expected))
    return `image ${wanted.id} exists, and the fetch calculates the sum of its file`;
  if (await findExisting(deps, wanted, expected, signal)) return undefined;
  try {
    const source = await openSource(wanted.source, sourceOptionsOf(deps, signal));
    // Only a source that has been read from closes its file or its connection.
    for await (const _ of source.bytes) break;
    return 'only the first bytes of the source were read';
  } catch (error) {
    throw failureIn(`image ${wanted.id}`, error);
  }
};

/**
 * Downloads, checks and converts an image into the store. Returns at once when the store already has it, unless a
 * refresh is wanted.
 * @throws when the image cannot be fetched, or when the store's image was made from a file with another sum
 */
export const fetchImage = async (
  deps: FetchDeps,
  wanted: WantedImage,
  context: FetchContext,
): Promise<FetchedImage> => {
  const { store } = deps;
  const { id } = wanted;
  const expected = await expectedDigests(deps, wanted, context.signal);
  const existing = await findExisting(deps, wanted, expected, context.signal);
  if (existing) return existing;
  return explainNoSpace(`image ${id}`, store, async () => {
    const dir = await mkdtemp(join(store.workDir, 'fetch-'));
    try {
      return await fetchInto(dir, deps, wanted, expected, context);
    } catch (error) {
      throw failureIn(`image ${id}`, error);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
};
