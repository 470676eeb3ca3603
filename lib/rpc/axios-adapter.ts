import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { atEndOfTurn } from '../end-of-turn.js';
import type { ServiceAddress } from './service-address.js';

/** Node tells nobody why when a connection ends without a word of HTTP that it knows. */
const closedEarly = (): Error =>
  Object.assign(new Error('closed before the end of the answer'), { code: 'ECONNRESET' });

/** Reads a text; one of more than `maxBytes` is an error. */
const readText = (response: IncomingMessage, maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (): void => {
      // To make an error costs more than to read the answer.
      if (!response.readableEnded) reject(response.errored ?? closedEarly());
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes)
        response.destroy(
          new AxiosError(`the answer has more than ${maxBytes} bytes`, AxiosError.ERR_BAD_RESPONSE),
        );
    });
    response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    response.on('error', reject);
    response.once('close', fail);
    // What ended it may have come together with its beginning.
    if (response.destroyed) fail();
  });

/** Sends the data, which is text, if there is any. The signal ends the request, or what is still to come of its answer. */
const send = (
  { method, url, headers, data, signal }: InternalAxiosRequestConfig<string>,
  address: ServiceAddress,
  agent: Agent | undefined,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    if (data !== undefined) headers.setContentLength(Buffer.byteLength(data));
    const request = httpRequest({
      ...('port' in address ? { host: '127.0.0.1', port: address.port } : { socketPath: address.socket }),
      agent,
      method,
      path: url,
      headers: headers.toJSON() as Record<string, string>,
    });
    let response: IncomingMessage | undefined;
    const end = (error: Error): void => {
      (response ?? request).destroy(error);
      // A request that waits for a connection would tell of it when it has one.
      reject(error);
    };
    const onAbort = (): void => end((signal as AbortSignal).reason as Error);
    signal?.addEventListener?.('abort', onAbort);
    request.on('error', end);
    request.once('close', () => {
      signal?.removeEventListener?.('abort', onAbort);
      if (!response) reject(closedEarly());
    });
    request.once('response', (answer) => {
      response = answer;
      // Who has answered without reading it all will not read the rest, and the connection is of no more use.
      answer.once('end', () => request.writableFinished || request.destroy());
      resolve(answer);
    });
    atEndOfTurn(() => {
      if (!request.destroyed) request.end(data);
    });
  });

/**
 * How axios sends calls to a sub-agent. Its own way to do it can redirects, proxies, forms, compression, progress and
 * limits, of which a call to the same host needs none, and takes twice as long.
 *
 * @param agent Node's global one by default
 */
export const toSubAgent =
  (address: ServiceAddress, agent?: Agent): AxiosAdapter =>
  async (config): Promise<AxiosResponse> => {
    const response = await send(config, address, agent);
    const { responseType, maxContentLength = Number.POSITIVE_INFINITY } = config;
    return {
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      // Of any other kind it makes these, twice.
      headers: AxiosHeaders.from(response.headers as Record<string, string>),
      data: responseType === 'stream' ? response : await readText(response, maxContentLength),
      config,
    };
  };
