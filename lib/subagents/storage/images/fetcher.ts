import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { ProgressReporter } from '../../shared/download/progress.js';
import { describeSource, imageServerUrl } from '../../shared/download/source.js';
import type { StoredImage } from '../disk-store.js';
import { type FetchDeps, fetchImage, type WantedImage } from './fetch-image.js';
import { Space } from './space.js';
import { Waiters } from './waiters.js';

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
}

/** What a caller asks for. */
export interface FetchRequest {
  /** `""` for the image server's copy. */
  source: string;
  /** In hex. */
  sha256?: string | undefined;
}

/** A caller that waits for an image. */
export interface Waiter {
  report?: ReportProgress;
  /** Aborted when the caller stops waiting. */
  signal?: AbortSignal;
}

/** A fetch in progress. */
interface Fetch {
  wanted: WantedImage;
  progress: ProgressReporter;
  waiters: Waiters;
  image: Promise<StoredImage>;
}

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
    this.#space = new Space(options.store.workDir);
  }

  /**
   * Resolves with the image once the store has all of it.
   * @throws when the fetch fails, when the image is being fetched from another source, or when the store has an image
   * of that id made from a file with another sum
   */
  fetch(id: string, request: FetchRequest, { report, signal }: Waiter = {}): Promise<StoredImage> {
    const { imageServer } = this.#options;
    const source = request.source || (imageServer ? imageServerUrl(imageServer, id) : '');
    const sha256 = request.sha256?.toLowerCase();
    const fetch = this.#fetches.get(id) ?? this.#start({ id, source, sha256 });
    if (fetch.wanted.source !== source || fetch.wanted.sha256 !== sha256)
      return Promise.reject(this.#conflict(fetch.wanted));
    if (report) fetch.progress.listen(report);
    fetch.waiters.enter(signal);
    return fetch.image;
  }

  /** Cancels all fetches and waits until they have ended. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the storage sub-agent is stopping'));
    await Promise.allSettled([...this.#fetches.values()].map(({ image }) => image));
  }

  #conflict({ id, source, sha256 }: WantedImage): Error {
    const sum = sha256 === undefined ? 'without a sha256' : `with the sha256 ${sha256}`;
    return new Refusal(
      'conflict',
      `image ${id} is being fetched from ${describeSource(source)} ${sum}: wait until that fetch has ended`,
    );
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
