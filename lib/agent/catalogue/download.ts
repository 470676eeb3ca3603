import { readFile } from 'node:fs/promises';
import { withDeadline } from '../../async/deadline.js';
import { axios } from '../../http/axios.js';
import type { Guard } from '../../http/guard.js';

const MAX_BYTES = 64 * 2 ** 20;
/** Long enough for some megabytes, and short enough for a person who waits. */
const LIMIT = { ms: 30_000, expired: () => new Error('it took longer than 30 s') };

/** Reads a JSON document of a source of images. */
export type ReadJson = (where: string) => Promise<unknown>;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
};

/** Says what a status means, which axios calls a bad one. */
const explain = (error: unknown): unknown => {
  const status = axios.isAxiosError(error) ? error.response?.status : undefined;
  return status === undefined ? error : new Error(`the server responded ${status}`);
};

const download = (url: URL, guard: Guard): Promise<string> =>
  withDeadline(LIMIT, undefined, async (signal) => {
    guard.check(url);
    const { httpAgent, httpsAgent, beforeRedirect } = guard;
    const { data } = await axios.get<string>(url.href, {
      ...{ responseType: 'text', transformResponse: [], maxContentLength: MAX_BYTES, maxRedirects: 5 },
      ...{ httpAgent, httpsAgent, beforeRedirect, signal },
    });
    return data;
  });

/**
 * Makes a reader of documents: of URLs, and of files of this host.
 * @param guard keeps the requests to addresses that may be reached
 */
export const jsonReader =
  (guard: Guard): ReadJson =>
  async (where) => {
    if (!/^https?:/.test(where)) return parse(await readFile(where, 'utf8'));
    try {
      return parse(await download(new URL(where), guard));
    } catch (error) {
      throw explain(error);
    }
  };
