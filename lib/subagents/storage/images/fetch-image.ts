import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { startDeadline, type TimeLimit } from '../../../async/deadline.js';
import { imageKey, type Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import type { ImageFormat } from '../../../model/image.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { type Algorithm, checkDigests, type Digests, differenceOf } from '../../shared/download/digests.js';
import { describeBytes, type ProgressReporter } from '../../shared/download/progress.js';
import { describeSource, openSource, type SourceOptions } from '../../shared/download/source.js';
import { SourceError } from '../../shared/download/source-error.js';
import { fetchSums } from '../../shared/download/sums-file.js';
import type { CheckedFile, DiskStore, StoredImage } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import { inspectFile } from './inspect.js';
import { type ReceiveOptions, receive } from './receive.js';
import type { Space } from './space.js';
import type { Sums } from './sums.js';

/** How often a download starts over from the first byte when it cannot resume. */
const MAX_RESTARTS = 3;
/** Ends a download whose bytes keep trickling in. */
const FETCH_LIMIT: TimeLimit = {
  ms: 24 * 60 * 60_000,
  expired: () => new Error('the fetch took longer than a day'),
};

export interface FetchDeps extends Pick<SourceOptions, 'importDirs' | 'stallMs' | 'backoffMs'> {
  store: DiskStore;
  locks: Locks;
  sums: Sums;
  log: Logger;
  /** See `ReceiveOptions`. */
  largeBytes?: number;
}

/** The image to fetch. */
export interface WantedImage {
  id: string;
  /** The location of its file: see `openSource`. */
  source: string;
  /** The sums that the served file must have. */
  digests: Digests;
  /** A file of sums that lists the source: see `openSource`. */
  sums: string | undefined;
  /** The format that the file is said to have. */
  format: ImageFormat | undefined;
}

/** The state that a fetch shares with other fetches and with its callers. */
export interface FetchContext {
  /** Room on the store's device, shared with the other fetches. */
  space: Space;
  progress: ProgressReporter;
  /** Aborted to cancel the fetch. */
  signal: AbortSignal;
}

const mustStartOver = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'start-over';
const isInterrupted = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'interrupted';

/** @throws unless an image in the store is known to come from a file with the wanted sums */
const checkStoredSums = async (sums: Sums, id: string, wanted: Digests): Promise<void> => {
  const stored = await sums.find(id);
  const name = differenceOf(stored, wanted);
  if (name === undefined) return;
  const origin = stored[name] === undefined ? `an unknown ${name}` : `the ${name} ${stored[name]}`;
  throw new Refusal(
    'conflict',
    `image ${id} already exists, made from a file with ${origin}, not ${wanted[name]}: delete it first`,
  );
};

/** Adds the image to the store. The caller holds the image's lock. */
const addImage = async (
  { store, sums }: FetchDeps,
  id: string,
  file: CheckedFile,
  digests: Digests,
): Promise<StoredImage> => {
  // Guests' disks may build on the clone by now, so it must not be replaced.
  if (await store.findImage(id))
    throw new Refusal(
      'conflict',
      'another image was cloned under this id during the fetch: delete that image first',
    );
  await sums.set(id, digests);
  try {
    return await store.addImage(id, file);
  } catch (error) {
    await sums.remove(id);
    throw error;
  }
};

const sourceOptionsOf = (
  { importDirs, stallMs, backoffMs }: FetchDeps,
  signal: AbortSignal,
): SourceOptions => ({
  importDirs,
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

const algorithmsFor = (wanted: Digests): Algorithm[] => [
  'sha256',
  ...(wanted.sha512 ? ['sha512' as const] : []),
];

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

const fetchTo = async (
  path: string,
  deps: FetchDeps,
  wanted: WantedImage,
  expected: Digests,
  { space, progress, signal: cancelled }: FetchContext,
): Promise<StoredImage> => {
  const { id, format } = wanted;
  const { locks, largeBytes } = deps;
  const { signal, clear } = startDeadline(FETCH_LIMIT, cancelled);
  const claim = space.claim();
  const onBytes = (done: number, total?: number): void => progress.set(...describeBytes(done, total));
  const algorithms = algorithmsFor(expected);
  const options = { path, claim, signal, onBytes, algorithms, format, ...(largeBytes ? { largeBytes } : {}) };
  try {
    const { digests } = await receiveFile(deps, wanted, options);
    checkDigests(digests, expected);
    progress.set('download complete, converting');
    const { dataBytes, ...file } = await inspectFile(path, format, signal);
    await claim.require(dataBytes);
    return await locks.run(imageKey(id), () => addImage(deps, id, file, digests));
  } catch (error) {
    // The reason for the abort says more than the error that it caused.
    signal.throwIfAborted();
    throw error;
  } finally {
    claim.release();
    clear();
  }
};

/** What is known of a fetch before it begins. */
interface FetchPlan {
  /** All sums that the served file must have. */
  expected: Digests;
  /** The image, if the store has it already. */
  stored: StoredImage | undefined;
}

/** @throws when the store's image was made from a file with another sum, or cannot be read */
const planFetch = async (deps: FetchDeps, wanted: WantedImage, signal: AbortSignal): Promise<FetchPlan> => {
  const expected = await expectedDigests(deps, wanted, signal);
  const stored = await deps.store.findImage(wanted.id);
  if (!stored) return { expected, stored };
  await checkStoredSums(deps.sums, wanted.id, expected);
  return { expected, stored: requireReadable(stored) };
};

/**
 * Checks that an image's source can be read, without fetching it.
 * @throws as `fetchImage`, as far as that is known after the first bytes
 */
export const checkFetch = async (
  deps: FetchDeps,
  wanted: WantedImage,
  signal: AbortSignal,
): Promise<void> => {
  if ((await planFetch(deps, wanted, signal)).stored) return;
  try {
    const source = await openSource(wanted.source, sourceOptionsOf(deps, signal));
    // Only a source that has been read from closes its file or its connection.
    for await (const _ of source.bytes) break;
  } catch (error) {
    throw failureIn(`image ${wanted.id}`, error);
  }
};

/**
 * Downloads, checks and converts an image into the store. Returns at once when the store already has it.
 * @throws when the image cannot be fetched, or when the store's image was made from a file with another sum
 */
export const fetchImage = async (
  deps: FetchDeps,
  wanted: WantedImage,
  context: FetchContext,
): Promise<StoredImage> => {
  const { store } = deps;
  const { id } = wanted;
  const { expected, stored } = await planFetch(deps, wanted, context.signal);
  if (stored) return stored;
  return explainNoSpace(`image ${id}`, store, async () => {
    const dir = await mkdtemp(join(store.workDir, 'fetch-'));
    try {
      return await fetchTo(join(dir, 'download'), deps, wanted, expected, context);
    } catch (error) {
      throw failureIn(`image ${id}`, error);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
};
