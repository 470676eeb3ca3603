import type { IncomingMessage } from 'node:http';
import { errorMessage } from '../../../errors.js';
import { axios } from '../../../http/axios.js';
import { SourceError } from './source-error.js';

/** A server that sends nothing for so long has died on us. */
const STALL_MS = 60_000;
/** Statuses that may be others soon: timeout, too many requests, and all errors of the server's own. */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

export interface HttpOptions {
  signal?: AbortSignal;
  /** Milliseconds without a byte after which a server is given up. */
  stallMs?: number;
}

/** A part of a file from `offset` on, as long as it is still the one that `validator` was given for. */
export interface Rest {
  offset: number;
  validator: string;
}

/** A URL without its credentials and its query, which may be signed: fit for messages. */
export const withoutSecrets = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

const rangeHeaders = (rest: Rest | undefined): Record<string, string> =>
  rest ? { Range: `bytes=${rest.offset}-`, 'If-Range': rest.validator } : {};

const explain = (where: string, error: unknown): SourceError => {
  const status = axios.isAxiosError(error) ? error.response?.status : undefined;
  const reason = status === undefined ? errorMessage(error) : `the server answered ${status}`;
  // The range is not there any more: the file is another one.
  const failure =
    status === 416 ? 'start-over' : status === undefined || isPassing(status) ? 'interrupted' : 'refused';
  return new SourceError(failure, `cannot be fetched from ${where}: ${reason}`, { cause: error });
};

/**
 * Asks for a file, or for the rest of it (RFC 9110, sections 13 and 14).
 * @throws {SourceError}
 */
export const request = async (url: URL, options: HttpOptions, rest?: Rest): Promise<IncomingMessage> => {
  const { signal, stallMs = STALL_MS } = options;
  const where = withoutSecrets(url);
  try {
    const { data } = await axios.get<IncomingMessage>(url.href, {
      responseType: 'stream',
      // What an image is packed in is told by its content alone.
      decompress: false,
      headers: { 'Accept-Encoding': 'identity', ...rangeHeaders(rest) },
      maxRedirects: 5,
      timeout: stallMs,
      ...(signal ? { signal } : {}),
    });
    // For when it breaks while nobody reads it; who does is told as well.
    data.on('error', () => undefined);
    data.setTimeout(stallMs, () => data.destroy(new Error(`${where} sent nothing for ${stallMs / 1000} s`)));
    return data;
  } catch (error) {
    throw explain(where, error);
  }
};
