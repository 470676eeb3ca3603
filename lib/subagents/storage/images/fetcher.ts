import { isDeepStrictEqual } from 'node:util';
import type { ImageFormat } from '../../../model/image-formats.js';
import type { FetchOptions } from '../../../rpc/protocol/image-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { Space } from '../../shared/disk/space.js';
import { ALGORITHMS, normalizeDigests } from '../../shared/download/digests.js';
import { ProgressReporter } from '../../shared/download/progress.js';
import { describeSource, imageServerUrl } from '../../shared/download/source.js';
import { checkFetch, type FetchDeps, fetchImage } from './fetch-image.js';
import type { FetchedImage } from './install.js';
import { Waiters } from './waiters.js';
import type { WantedImage } from './wanted-image.js';

/**
 * How long a fetch continues without a caller. A restarted agent repeats its request within that time; the agent of a
 * cancelled job does not.
 */
const ABANDONED_MS = 60_000;

export interface FetcherOptions extends FetchDeps {
  /** Base URL of the server that has images by id. */
  imageServer?: string | undefined;
  /** See `ABANDONED_MS`. */
  abandonedMs?: number;
  /** The room on the store's device; its own by default. */
  space?: Space;
}

/** The request of a caller. */
export interface FetchRequest extends Omit<FetchOptions, 'format'> {
  format?: ImageFormat | undefined;
  /** `""` for the image server's copy. */
  source: string;
}

/** A caller that waits for an image. */
export interface Waiter {
  report?: ReportProgress;
  /** Aborted when the caller stops waiting. */
  signal?: AbortSignal;
  /** Aborted when the caller cancels: unless others wait, the fetch ends at once. */
  cancelled?: AbortSignal;
}

/** A fetch in progress. */
interface Fetch {
  wanted: WantedImage;
  progress: ProgressReporter;
  waiters: Waiters;
  image: Promise<FetchedImage>;
}

const describeSums = ({ digests, sums }: WantedImage): string => {
  if (sums !== undefined) return `with the sums of ${describeSource(sums)}`;
  const name = ALGORITHMS.findLast((algorithm) => digests[algorithm] !== undefined);
  return name === undefined ? 'without a sha256' : `with the ${name} ${digests[name]}`;
};

const conflict = (wanted: WantedImage): Refusal =>
  new Refusal(
    'conflict',
    `image ${wanted.id} is being fetched from ${describeSource(wanted.source)} ${describeSums(wanted)}: ` +
      'wait until that fetch has ended',
  );

/**
 * Lets callers that want the same image share one fetch. A fetch outlives its last caller for a while, so that a
 * repeated request finds it in progress or done.
 */
export class ImageFetcher {
  readonly #options: FetcherOptions;
  readonly #space: Space;
  readonly #fetches = new Map<string, Fetch>();
  readonly #stopping = new AbortController();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#space = options.space ?? new Space(options.store.workDir);
  }

  /**
   * Resolves with the image once the store has all of it.
   * @throws when the fetch fails, when the image is being fetched from another source, or when the store has an image
   * of that id made from a file with another sum
   */
  async fetch(id: string, request: FetchRequest, waiter: Waiter = {}): Promise<FetchedImage> {
    const { report, signal, cancelled } = waiter;
    const wanted = this.#wanted(id, request);
    const current = this.#fetches.get(id);
    if (current?.waiters.abandoned.aborted) {
      await current.image.catch(() => undefined);
      return this.fetch(id, request, waiter);
    }
    const fetch = current ?? this.#start(wanted);
    if (!isDeepStrictEqual(fetch.wanted, wanted)) throw conflict(fetch.wanted);
    if (report) fetch.progress.listen(report);
    fetch.waiters.enter({ left: signal, cancelled });
    return fetch.image;
  }

  /**
   * Checks a fetch for a dry run: see `checkFetch`.
   * @throws also when the image is being fetched from another source
   */
  async check(id: string, request: FetchRequest, signal: AbortSignal): Promise<string | undefined> {
    const wanted = this.#wanted(id, request);
    const current = this.#fetches.get(id);
    if (!current) return checkFetch(this.#options, wanted, signal);
    if (!isDeepStrictEqual(current.wanted, wanted)) throw conflict(current.wanted);
    return 'the image is being fetched';
  }

  /** Cancels all fetches and waits until they have ended. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the storage sub-agent is stopping'));
    await Promise.allSettled([...this.#fetches.values()].map(({ image }) => image));
  }

  #wanted(id: string, request: FetchRequest): WantedImage {
    const { imageServer } = this.#options;
    return {
      id,
      source: request.source || (imageServer ? imageServerUrl(imageServer, id) : ''),
      digests: normalizeDigests(request),
      sums: request.sums || undefined,
      format: request.format || undefined,
      refresh: request.refresh ?? false,
    };
  }

  #start(wanted: WantedImage): Fetch {
    const progress = new ProgressReporter();
    const waiters = new Waiters(this.#options.abandonedMs ?? ABANDONED_MS);
    const signal = AbortSignal.any([this.#stopping.signal, waiters.abandoned]);
    const image = fetchImage(this.#options, wanted, { space: this.#space, progress, signal }).finally(() => {
      progress.end();
      waiters.end();
      this.#fetches.delete(wanted.id);
    });
    const fetch = { wanted, progress, waiters, image };
    this.#fetches.set(wanted.id, fetch);
    return fetch;
  }
}
