import { setTimeout as delay } from 'node:timers/promises';
import type { Image } from '../model/image.js';
import type { ImageUpload, UploadOptions } from '../model/image-upload.js';
import { Backoff } from '../portable/backoff.js';
import { MistifyError } from './errors.js';
import type { Accepted } from './submit.js';
import type { ApiResponse, CallOptions, Transport } from './transport.js';

/** A file to upload, which may be read more than once. */
export interface UploadSource {
  /** Bytes of the whole file. */
  size: number;
  /** Reads bytes at a position. */
  read(position: number, length: number): Promise<Buffer>;
}

export interface ImageUploadOptions extends UploadOptions, CallOptions {
  /** Continues an upload that broke off, if the agent has one of that size; otherwise begins anew. */
  resume?: boolean | undefined;
  /** Called with the bytes that the agent has. */
  onProgress?: ((received: number) => void) | undefined;
}

interface UploadBody {
  images: Image[];
  upload?: ImageUpload;
}

const PIECE_BYTES = 8 * 2 ** 20;
/** The seconds that a piece may take beyond the timeout of other requests. */
const PIECE_SECONDS = 120;
/** How often a piece is sent again when none gets through. */
const MAX_FAILURES = 6;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 10_000];

/** Whether the connection or the agent was lost, so that what has arrived is still there. */
const isInterruption = (error: unknown): boolean =>
  error instanceof MistifyError && (error.status === 0 || error.status === 502 || error.status === 503);

/** Uploads an image in pieces, and continues after an interruption with what the agent has. */
export class ImageUploader {
  readonly #transport: Transport;
  /** The path of the image. */
  readonly #path: string;
  readonly #source: UploadSource;
  readonly #options: ImageUploadOptions;

  constructor(transport: Transport, path: string, source: UploadSource, options: ImageUploadOptions) {
    this.#transport = transport;
    this.#path = path;
    this.#source = source;
    this.#options = options;
  }

  /** @returns the accepted job that makes the file an image */
  async run(): Promise<Accepted<{ images: Image[] }>> {
    const { resume = false, onProgress, signal } = this.#options;
    let position = resume ? await this.#received() : 0;
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    for (let failures = 0; ; ) {
      onProgress?.(position);
      try {
        const { headers, body, status } = await this.#send(position);
        if (body.upload) position = body.upload.received;
        else
          return {
            ...{ jobId: headers['x-guest-job-id'] ?? '', finished: status === 200, unchecked: [] },
            body: { images: body.images },
          };
        failures = 0;
        backoff.reset();
      } catch (error) {
        failures += 1;
        if (!isInterruption(error) || failures > MAX_FAILURES) throw error;
        await delay(backoff.next(), undefined, signal ? { signal } : {});
        position = await this.#received().catch(() => position);
      }
    }
  }

  /** Asks how much of this file the agent has. */
  async #received(): Promise<number> {
    try {
      const { size, received } = await this.#transport.get<ImageUpload>(
        `${this.#path}/upload`,
        {},
        this.#options,
      );
      return size === this.#source.size ? received : 0;
    } catch (error) {
      if (error instanceof MistifyError && error.status === 404) return 0;
      throw error;
    }
  }

  async #send(position: number): Promise<ApiResponse<UploadBody>> {
    const { sha256, sha512, format, refresh, signal } = this.#options;
    const { size } = this.#source;
    const piece = await this.#source.read(position, Math.min(PIECE_BYTES, size - position));
    const range = piece.length === 0 ? '*' : `${position}-${position + piece.length - 1}`;
    return this.#transport.send<UploadBody>({
      ...{ method: 'PUT', path: this.#path, body: piece, signal, waitSeconds: PIECE_SECONDS },
      query: { sha256, sha512, format, refresh },
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `bytes ${range}/${size}` },
    });
  }
}
