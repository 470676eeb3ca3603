import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { AxiosHeaders } from '../../http/axios.js';
import { requestText } from '../text-answer.js';

/** What is the same for all calls, and would be merged into each anew if axios had it. */
export interface EveryCall {
  /** They go over those of a call. */
  headers?: Record<string, string>;
  /** An answer that is read as text may have so many bytes. */
  maxAnswerBytes?: number;
}

/** More than this may still be on its way when the answer comes, from who does not read it all. */
const SMALL_REQUEST = 64 * 1024;

/** A request with its data, which is text, if there is any. */
const requestOf = (
  { method = 'GET', url = '/', headers, data, signal }: InternalAxiosRequestConfig<string>,
  everyCall: Record<string, string>,
) => ({
  method: method.toUpperCase() as Dispatcher.HttpMethod,
  path: url,
  headers: Object.assign(headers.toJSON() as Record<string, string>, everyCall),
  body: data ?? null,
  signal: signal as AbortSignal | undefined,
  reset: data !== undefined && data.length > SMALL_REQUEST,
});

/** Of what is all there nobody asks for the headers, which axios goes through four times. */
const UNTOLD = new AxiosHeaders();

/**
 * How axios sends calls to a sub-agent. Its own way to do it can redirects, proxies, forms, compression, progress and
 * limits, of which a call to the same host needs none, and takes several times as long.
 */
export const toSubAgent =
  (
    connections: Dispatcher,
    { headers: everyCall = {}, maxAnswerBytes = Number.POSITIVE_INFINITY }: EveryCall = {},
  ): AxiosAdapter =>
  async (config): Promise<AxiosResponse> => {
    const request = requestOf(config, everyCall);
    if (config.responseType !== 'stream') {
      const { status, statusText, text } = await requestText(connections, {
        ...request,
        timeout: config.timeout ?? 0,
        maxBytes: maxAnswerBytes,
      });
      return { status, statusText, config, headers: UNTOLD, data: text };
    }
    const { statusCode, statusText, headers, body } = await connections.request(request);
    return {
      status: statusCode,
      statusText,
      config,
      headers: AxiosHeaders.from(headers as Record<string, string>),
      data: body,
    };
  };
