import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { startDeadline, type TimeLimit } from '../../../async/deadline.js';
import { imageKey, type Locks } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { describeBytes, Progress } from '../../shared/download/progress.js';
import {
  describeSource,
  imageServerUrl,
  openSized,
  type SourceOptions,
} from '../../shared/download/source.js';
import { SourceError } from '../../shared/download/source-error.js';
import type { CheckedFile, DiskStore, StoredImage } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import { inspectFile } from './inspect.js';
import { type ReceiveOptions, receive } from './receive.js';
import { Space } from './space.js';
import type { Sums } from './sums.js';
import { Waiters } from './waiters.js';

/** A file that cannot be gone on with is fetched from its first byte so many times again. */
const MAX_RESTARTS = 3;
/** So long a fetch goes on for nobody: an agent that starts anew asks for it again, who has cancelled it does not. */
const ABANDONED_MS = 60_000;
/** However slowly the bytes drip in, a fetch ends. */
const FETCH: TimeLimit = { ms: 24 * 60 * 60_000, expired: () => new Error('it took longer than a day') };

/** What is to be fetched. */
export interface Wanted {
  /** `""` for the image server's. */
  source: string;
  /** In hex. */
  sha256?: string | undefined;
}

export interface FetcherOptions extends Pick<SourceOptions, 'importDirs' | 'stallMs' | 'backoffMs'> {
  store: DiskStore;
  locks: Locks;
  sums: Sums;
  log: Logger;
  /** Base URL of the server that has images by id. */
  imageServer?: string | undefined;
  /** See `ReceiveOptions`. */
  largeBytes?: number;
  /** See `ABANDONED_MS`. */
  abandonedMs?: number;
}

/** Who wants an image. */
export interface Waiter {
  report?: ReportProgress;
  /** Aborted when the image is no longer waited for. */
  signal?: AbortSignal;
}

/** A fetch under way. */
interface Fetch {
  source: string;
  sha256: string | undefined;
  progress: Progress;
  waiters: Waiters;
  image: Promise<StoredImage>;
}

/** What those have in common who share a fetch. */
type Shared = Pick<Fetch, 'progress' | 'waiters'>;

const mustStartOver = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'start-over';
const isInterrupted = (error: unknown): boolean =>
  error instanceof SourceError && error.failure === 'interrupted';

const checkSum = (is: string, wanted: string | undefined): void => {
  if (wanted !== undefined && is !== wanted)
    throw new Error(`the file that was fetched has the sha256 ${is}, not ${wanted}`);
};

/**
 * Fetches images into the store. Two who want one image share one fetch; it goes on for a while when they no longer
 * wait, so that asking again finds it under way or done.
 */
export class ImageFetcher {
  readonly #options: FetcherOptions;
  readonly #space: Space;
  readonly #underWay = new Map<string, Fetch>();
  readonly #stopping = new AbortController();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#space = new Space(options.store.workDir);
  }

  /**
   * Gives back the image when it is whole in the store; at once when it was there before.
   * @throws when it is being fetched from elsewhere, or is there already from a file with another sum
   */
  fetch(id: string, wanted: Wanted, { report, signal }: Waiter = {}): Promise<StoredImage> {
    const { imageServer } = this.#options;
    const source = wanted.source || (imageServer ? imageServerUrl(imageServer, id) : '');
    const sha256 = wanted.sha256?.toLowerCase();
    const fetch = this.#underWay.get(id) ?? this.#start(id, source, sha256);
    if (fetch.source !== source || fetch.sha256 !== sha256) return Promise.reject(this.#taken(id, fetch));
    if (report) fetch.progress.listen(report);
    fetch.waiters.enter(signal);
    return fetch.image;
  }

  /** Calls off what is under way. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the storage sub-agent is stopping'));
    await Promise.allSettled([...this.#underWay.values()].map(({ image }) => image));
  }

  #taken(id: string, { source, sha256 }: Fetch): Error {
    const sum = sha256 === undefined ? 'without a sha256' : `with the sha256 ${sha256}`;
    return new Error(
      `image ${id} is being fetched from ${describeSource(source)} ${sum}: wait until that is done`,
    );
  }

  #start(id: string, source: string, sha256: string | undefined): Fetch {
    const progress = new Progress();
    const waiters = new Waiters(this.#options.abandonedMs ?? ABANDONED_MS);
    const image = this.#findOrFetch(id, { source, sha256 }, { progress, waiters }).finally(() => {
      progress.end();
      waiters.end();
      this.#underWay.delete(id);
    });
    const fetch = { source, sha256, progress, waiters, image };
    this.#underWay.set(id, fetch);
    return fetch;
  }

  async #findOrFetch(id: string, wanted: Wanted, shared: Shared): Promise<StoredImage> {
    const { store } = this.#options;
    const known = await store.findImage(id);
    if (known) {
      await this.#checkKnown(id, wanted.sha256);
      return requireReadable(known);
    }
    return explainNoSpace(`image ${id}`, store.workDir, async () => {
      const dir = await mkdtemp(join(store.workDir, 'fetch-'));
      try {
        return await this.#fetchInto(id, wanted, join(dir, 'download'), shared);
      } catch (error) {
        throw new Error(`image ${id}: ${errorMessage(error)}`, { cause: error });
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });
  }

  /** An image that is there is not taken for one that was asked for by its sum unless it is known to be it. */
  async #checkKnown(id: string, sha256: string | undefined): Promise<void> {
    const is = await this.#options.sums.find(id);
    if (sha256 === undefined || is === sha256) return;
    const made = is === undefined ? 'of what is not known' : `of a file with the sha256 ${is}`;
    throw new Error(`image ${id} is there already, made ${made}, not ${sha256}: delete it first`);
  }

  /** Callers hold the image's lock. */
  async #add(id: string, file: CheckedFile, sha256: string): Promise<StoredImage> {
    const { store, sums } = this.#options;
    // It would take the place of what guests' disks build on by now.
    if (await store.findImage(id))
      throw new Error('it was cloned of another one meanwhile: delete that first');
    await sums.set(id, sha256);
    try {
      return await store.addImage(id, file);
    } catch (error) {
      await sums.remove(id);
      throw error;
    }
  }

  async #fetchInto(
    id: string,
    wanted: Wanted,
    path: string,
    { progress, waiters }: Shared,
  ): Promise<StoredImage> {
    const { locks } = this.#options;
    const calledOff = AbortSignal.any([this.#stopping.signal, waiters.gone]);
    const { signal, clear } = startDeadline(FETCH, calledOff);
    const claim = this.#space.claim();
    const { largeBytes } = this.#options;
    const onBytes = (done: number, total?: number): void => progress.set(...describeBytes(done, total));
    const options = { path, claim, signal, onBytes, ...(largeBytes ? { largeBytes } : {}) };
    try {
      const { sha256 } = await this.#receive(id, wanted.source, options);
      checkSum(sha256, wanted.sha256);
      progress.set('all there, being converted');
      const { dataBytes, ...file } = await inspectFile(path, signal);
      await claim.require(dataBytes);
      return await locks.run(imageKey(id), () => this.#add(id, file, sha256));
    } catch (error) {
      // Why it was called off, in place of that it was.
      signal.throwIfAborted();
      throw error;
    } finally {
      claim.release();
      clear();
    }
  }

  #receive(id: string, from: string, options: ReceiveOptions): ReturnType<typeof receive> {
    const { log, importDirs, stallMs, backoffMs } = this.#options;
    const { signal } = options;
    const onInterruption = (message: string): void => log.warn({ image: id }, `trying again: ${message}`);
    const sourceOptions: SourceOptions = {
      importDirs,
      signal,
      onInterruption,
      ...(stallMs ? { stallMs } : {}),
      ...(backoffMs ? { backoffMs } : {}),
    };
    return pRetry(async () => receive(await openSized(from, sourceOptions), options), {
      retries: MAX_RESTARTS,
      minTimeout: backoffMs ?? 1000,
      signal,
      // An address that does not answer the first time is a mistake more often than a passing failure.
      shouldRetry: ({ error, attemptNumber }) =>
        mustStartOver(error) || (attemptNumber > 1 && isInterrupted(error)),
      onFailedAttempt: ({ error }) => {
        if (mustStartOver(error)) onInterruption(`${error.message}; from the first byte`);
      },
    });
  }
}
