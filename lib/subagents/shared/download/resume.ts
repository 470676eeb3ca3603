import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { contentLength } from '../../../http/content-length.js';
import { MB } from '../../../model/units.js';
import { Backoff } from '../../../portable/backoff.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type HttpOptions, request, withoutSecrets } from './http.js';
import { SourceError } from './source-error.js';

/** How many connections in a row may break before they have received 1 MB. */
const MAX_FAILURES = 6;
const MAX_BACKOFF_MS = 30_000;
const PARTIAL_CONTENT = 206;

export interface ResumeOptions extends HttpOptions {
  /** Milliseconds before the first retry; each further retry waits twice as long. */
  backoffMs?: number;
  /** Called when a connection breaks, before the retry. */
  onInterruption?: (message: string) => void;
}

/** A download in progress. */
interface Download {
  url: URL;
  response: IncomingMessage;
  /** Size of the whole file in bytes. */
  size: number | undefined;
  /** Identifies this version of the file; `undefined` when the server does not support ranges. */
  validator: string | undefined;
}

const MIN_AGE_MS = 1000;

/**
 * Returns a validator for `If-Range`: a strong ETag, or a Last-Modified that is strong because it is older than the
 * response (RFC 9110, sections 8.8 and 13.1.5).
 */
const validatorOf = (headers: IncomingHttpHeaders): string | undefined => {
  if (headers['accept-ranges'] === 'none') return undefined;
  const { etag } = headers;
  if (etag?.startsWith('"')) return etag;
  const modified = headers['last-modified'] ?? '';
  return Date.parse(headers.date ?? '') - Date.parse(modified) >= MIN_AGE_MS ? modified : undefined;
};

/** Parses the range of a 206 response: `Content-Range: bytes 5-9/10`. A total of `*` is unknown. */
const rangeOf = ({ statusCode, headers }: IncomingMessage): { first: number; total?: number } | undefined => {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  if (statusCode !== PARTIAL_CONTENT || first === undefined) return undefined;
  return { first: Number(first), ...(total === '*' ? {} : { total: Number(total) }) };
};

const requestRest = async (
  download: Download,
  offset: number,
  options: ResumeOptions,
): Promise<IncomingMessage> => {
  const { url, size, validator } = download;
  const where = withoutSecrets(url);
  if (validator === undefined)
    throw new SourceError(
      'start-over',
      `the connection to ${where} broke, and the server does not support ranges`,
    );
  const response = await request(url, options, { offset, validator });
  const part = rangeOf(response);
  const { total = size } = part ?? {};
  if (part?.first === offset && (size ?? total) === total) {
    download.size = total;
    return response;
  }
  response.destroy();
  throw new SourceError('start-over', `the connection to ${where} broke, and the file has changed since`);
};

/** Checks the size, since a server may send a shorter range than requested (RFC 9110, section 15.3.7). */
const requireComplete = ({ size }: Download, received: number): void => {
  if (size !== undefined && received !== size) throw new Error(`received ${received} of ${size} bytes`);
};

const isPassing = (error: unknown): boolean =>
  !(error instanceof Refusal) && (!(error instanceof SourceError) || error.failure === 'interrupted');

const asInterrupted = (url: URL, error: unknown): SourceError | Refusal =>
  error instanceof SourceError || error instanceof Refusal
    ? error
    : new SourceError(
        'interrupted',
        `the connection to ${withoutSecrets(url)} broke: ${errorMessage(error)}`,
        {
          cause: error,
        },
      );

/** Yields the bytes of a file, over as many connections as it takes. */
async function* read(download: Download, options: ResumeOptions): AsyncGenerator<Buffer, void, undefined> {
  const { backoffMs = 1000, onInterruption } = options;
  const backoff = new Backoff(backoffMs, MAX_BACKOFF_MS);
  let response: IncomingMessage | undefined = download.response;
  let [offset, resumedAt, failures] = [0, 0, 0];
  for (;;) {
    try {
      response ??= await requestRest(download, offset, options);
      for await (const chunk of response as AsyncIterable<Buffer>) {
        offset += chunk.length;
        yield chunk;
      }
      requireComplete(download, offset);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = asInterrupted(download.url, error);
      if (offset - resumedAt >= MB) {
        failures = 0;
        backoff.reset();
      }
      failures += 1;
      if (!isPassing(error) || failures > MAX_FAILURES) throw failure;
      [response, resumedAt] = [undefined, offset];
      onInterruption?.(failure.message);
      await delay(backoff.next(), undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/**
 * Opens a file over HTTP. When the connection breaks, reading resumes at the byte where it broke, provided that the
 * server confirms that the file is still the same.
 * @throws {SourceError | Refusal} here and while reading the bytes
 */
export const openHttp = async (
  url: URL,
  options: ResumeOptions,
): Promise<{ size: number | undefined; bytes: AsyncGenerator<Buffer, void, undefined> }> => {
  const response = await request(url, options);
  if (response.statusCode === PARTIAL_CONTENT) {
    response.destroy();
    throw new Refusal(
      'invalid',
      `${withoutSecrets(url)} sent 206 Partial Content to a request without a range`,
    );
  }
  const size = contentLength(response.headers);
  return { size, bytes: read({ url, response, size, validator: validatorOf(response.headers) }, options) };
};
