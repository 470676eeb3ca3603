import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { Dispatcher } from 'undici';

type Answer = Dispatcher.ResponseData;

/** Reads a text; one of more than `maxBytes` is an error. */
const readText = (body: Answer['body'], maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes)
        body.destroy(
          new AxiosError(`the answer has more than ${maxBytes} bytes`, AxiosError.ERR_BAD_RESPONSE),
        );
    });
    body.once('end', () => resolve(Buffer.concat(chunks).toString()));
    body.once('error', reject);
  });

/** More than this may still be on its way when the answer comes, from who does not read it all. */
const SMALL_REQUEST = 64 * 1024;

/** Sends the data, which is text, if there is any. The signal ends the request, or what is still to come of its answer. */
const send = (
  connections: Dispatcher,
  { method = 'GET', url = '/', headers, data, signal }: InternalAxiosRequestConfig<string>,
): Promise<Answer> =>
  connections.request({
    method: method.toUpperCase() as Dispatcher.HttpMethod,
    path: url,
    headers: headers.toJSON() as Record<string, string>,
    body: data ?? null,
    signal: signal as AbortSignal,
    reset: data !== undefined && data.length > SMALL_REQUEST,
  });

/**
 * How axios sends calls to a sub-agent. Its own way to do it can redirects, proxies, forms, compression, progress and
 * limits, of which a call to the same host needs none, and takes several times as long.
 */
export const toSubAgent =
  (connections: Dispatcher): AxiosAdapter =>
  async (config): Promise<AxiosResponse> => {
    const { responseType, maxContentLength = Number.POSITIVE_INFINITY } = config;
    const { statusCode, statusText, headers, body } = await send(connections, config);
    const response = { status: statusCode, statusText, config };
    return responseType === 'stream'
      ? { ...response, headers: AxiosHeaders.from(headers as Record<string, string>), data: body }
      : // Of what is all there nobody asks for the headers, which axios goes through four times.
        { ...response, headers: new AxiosHeaders(), data: await readText(body, maxContentLength) };
  };
