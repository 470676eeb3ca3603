import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { MB } from '../../../model/units.js';
import { type HttpOptions, request, withoutSecrets } from './http.js';
import { SourceError } from './source-error.js';

/** How often in a row a connection may fail before it has brought a MB. */
const MAX_FAILURES = 6;
const MAX_BACKOFF_MS = 30_000;
const PARTIAL_CONTENT = 206;

export interface ResumeOptions extends HttpOptions {
  /** Milliseconds before the first new attempt; each further one waits twice as long. */
  backoffMs?: number;
  /** Told when a connection broke and another is tried. */
  onInterruption?: (message: string) => void;
}

/** A file that a server has begun to send. */
interface Begun {
  url: URL;
  response: IncomingMessage;
  /** Bytes of the whole file. */
  size: number | undefined;
  /** Tells this file from later ones at the same URL; `undefined` where the server sends no part of it. */
  validator: string | undefined;
}

const MIN_AGE_MS = 1000;

/**
 * What `If-Range` may be given: a strong ETag, or a time of change that is strong, being older than the answer
 * (RFC 9110, sections 8.8 and 13.1.5).
 */
const validatorOf = (headers: IncomingHttpHeaders): string | undefined => {
  if (headers['accept-ranges'] === 'none') return undefined;
  const { etag } = headers;
  if (etag?.startsWith('"')) return etag;
  const modified = headers['last-modified'] ?? '';
  return Date.parse(headers.date ?? '') - Date.parse(modified) >= MIN_AGE_MS ? modified : undefined;
};

const contentLength = ({ headers }: IncomingMessage): number | undefined => {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
};

/** The part of a file that an answer says it is, `Content-Range: bytes 5-9/10`; with `*` the total is not known. */
const partOf = ({ statusCode, headers }: IncomingMessage): { first: number; total?: number } | undefined => {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  if (statusCode !== PARTIAL_CONTENT || first === undefined) return undefined;
  return { first: Number(first), ...(total === '*' ? {} : { total: Number(total) }) };
};

const askForRest = async (begun: Begun, offset: number, options: ResumeOptions): Promise<IncomingMessage> => {
  const { url, size, validator } = begun;
  const where = withoutSecrets(url);
  if (validator === undefined)
    throw new SourceError('start-over', `${where} broke off, and the server does not send the rest alone`);
  const response = await request(url, options, { offset, validator });
  const part = partOf(response);
  const { total = size } = part ?? {};
  if (part?.first === offset && (size ?? total) === total) {
    begun.size = total;
    return response;
  }
  response.destroy();
  throw new SourceError('start-over', `${where} broke off, and is not there any more as it was`);
};

/** A server may send a shorter part than it is asked for (RFC 9110, section 15.3.7). */
const requireAll = ({ size }: Begun, sent: number): void => {
  if (size !== undefined && sent !== size) throw new Error(`${sent} of ${size} bytes were sent`);
};

const isPassing = (error: unknown): boolean =>
  !(error instanceof SourceError) || error.failure === 'interrupted';

const asInterrupted = (url: URL, error: unknown): SourceError =>
  error instanceof SourceError
    ? error
    : new SourceError('interrupted', `${withoutSecrets(url)} broke off: ${errorMessage(error)}`, {
        cause: error,
      });

/** The bytes of a file, on as many connections as it takes. */
async function* read(begun: Begun, options: ResumeOptions): AsyncGenerator<Buffer, void, undefined> {
  const { backoffMs = 1000, onInterruption } = options;
  let response: IncomingMessage | undefined = begun.response;
  let [offset, safe, failures] = [0, 0, 0];
  for (;;) {
    try {
      response ??= await askForRest(begun, offset, options);
      for await (const chunk of response as AsyncIterable<Buffer>) {
        offset += chunk.length;
        yield chunk;
      }
      requireAll(begun, offset);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = asInterrupted(begun.url, error);
      failures = offset - safe >= MB ? 1 : failures + 1;
      if (!isPassing(error) || failures > MAX_FAILURES) throw failure;
      [response, safe] = [undefined, offset];
      onInterruption?.(failure.message);
      const wait = Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** (failures - 1));
      await delay(wait, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/**
 * Asks for a file over HTTP. When the connection breaks while it is read, it is gone on with from the byte where
 * it broke, provided that the server says it is still the same file.
 * @throws {SourceError} as does reading the bytes
 */
export const openHttp = async (
  url: URL,
  options: ResumeOptions,
): Promise<{ size: number | undefined; bytes: AsyncGenerator<Buffer, void, undefined> }> => {
  const response = await request(url, options);
  if (response.statusCode === PARTIAL_CONTENT) {
    response.destroy();
    throw new SourceError(
      'refused',
      `${withoutSecrets(url)} sends a part of the file, which nobody asked for`,
    );
  }
  const size = contentLength(response);
  return { size, bytes: read({ url, response, size, validator: validatorOf(response.headers) }, options) };
};
