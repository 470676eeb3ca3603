import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AxiosAdapter, AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { ServiceAddress } from './service-address.js';

/** Reads a text; one of more than `maxBytes` is an error. */
const readText = (response: IncomingMessage, maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
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
  });

/** Posts the data, which is text. The signal ends the request, or what is still to come of its answer. */
const post = (
  { url, headers, data, signal }: InternalAxiosRequestConfig<string>,
  address: ServiceAddress,
  agent: Agent,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const text = data ?? '';
    const request = httpRequest({
      ...('port' in address ? { host: '127.0.0.1', port: address.port } : { socketPath: address.socket }),
      agent,
      method: 'POST',
      path: url,
      headers: { ...headers.toJSON(), 'Content-Length': String(Buffer.byteLength(text)) } as Record<
        string,
        string
      >,
    });
    let response: IncomingMessage | undefined;
    const onAbort = (): void => {
      (response ?? request).destroy((signal as AbortSignal).reason as Error);
    };
    signal?.addEventListener?.('abort', onAbort);
    request.once('close', () => signal?.removeEventListener?.('abort', onAbort));
    request.on('error', reject);
    request.once('response', (answer) => {
      response = answer;
      resolve(answer);
    });
    request.end(text);
  });

/**
 * How axios sends calls to a sub-agent. Its own way to do it can redirects, proxies, forms, compression, progress and
 * limits, of which a call to the same host needs none, and takes twice as long.
 */
export const toSubAgent =
  (address: ServiceAddress, agent: Agent): AxiosAdapter =>
  async (config): Promise<AxiosResponse> => {
    const response = await post(config, address, agent);
    const { responseType, maxContentLength = Number.POSITIVE_INFINITY } = config;
    return {
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      headers: response.headers as AxiosResponse['headers'],
      data: responseType === 'stream' ? response : await readText(response, maxContentLength),
      config,
    };
  };
