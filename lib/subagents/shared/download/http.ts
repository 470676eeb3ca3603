import type { IncomingMessage } from 'node:http';
import { errorMessage } from '../../../errors.js';
import { axios } from '../../../http/axios.js';
import { type Guard, unreachableIn } from '../../../http/guard.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { SourceError } from './source-error.js';

/** After this long without a byte, a connection counts as broken. */
const STALL_MS = 60_000;

/** Whether a retry may get another status: 408 Request Timeout, 429 Too Many Requests, and server errors. */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

export interface HttpOptions {
  /** Keeps the request to addresses that may be reached. */
  guard: Guard;
  signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as broken. */
  stallMs?: number;
}

/** The rest of a file from byte `offset`, if the file still has the validator. */
export interface Rest {
  offset: number;
  validator: string;
}

/** Formats a URL for messages: without credentials, and without the query, which may contain a signature. */
export const withoutSecrets = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

const rangeHeaders = (rest: Rest | undefined): Record<string, string> =>
  rest ? { Range: `bytes=${rest.offset}-`, 'If-Range': rest.validator } : {};

/** Whether the server has no such file: 404 Not Found, 410 Gone. */
const isMissing = (status: number): boolean => status === 404 || status === 410;

const explain = (where: string, error: unknown): SourceError | Refusal => {
  const status = axios.isAxiosError(error) ? error.response?.status : undefined;
  const reason = status === undefined ? errorMessage(error) : `the server responded ${status}`;
  const message = `cannot be fetched from ${where}: ${reason}`;
  const options = { cause: error };
  const refusal = unreachableIn(error);
  if (refusal) return new Refusal('invalid', `cannot be fetched from ${where}: ${refusal.message}`, options);
  // 416 Range Not Satisfiable: the file has become shorter, so it is another one.
  if (status === 416) return new SourceError('start-over', message, options);
  if (status === undefined || isPassing(status)) return new SourceError('interrupted', message, options);
  return new Refusal(isMissing(status) ? 'not_found' : 'invalid', message, options);
};

/**
 * Requests a file, or the rest of it: RFC 9110, sections 13 and 14.
 * @returns the response, whose body is not decompressed
 * @throws {SourceError}
 * @throws {Refusal} when the server refuses the request
 */
export const request = async (url: URL, options: HttpOptions, rest?: Rest): Promise<IncomingMessage> => {
  const { guard, signal, stallMs = STALL_MS } = options;
  const { httpAgent, httpsAgent, beforeRedirect } = guard;
  const where = withoutSecrets(url);
  try {
    guard.check(url);
    const { data } = await axios.get<IncomingMessage>(url.href, {
      responseType: 'stream',
      // The image's own compression is detected from its content.
      decompress: false,
      headers: { 'Accept-Encoding': 'identity', ...rangeHeaders(rest) },
      maxRedirects: 5,
      ...{ httpAgent, httpsAgent, beforeRedirect },
      timeout: stallMs,
      ...(signal ? { signal } : {}),
    });
    // An error between two reads must not end the process; the next read reports it.
    data.on('error', () => undefined);
    data.setTimeout(stallMs, () => data.destroy(new Error(`${where} sent nothing for ${stallMs / 1000} s`)));
    return data;
  } catch (error) {
    throw explain(where, error);
  }
};
