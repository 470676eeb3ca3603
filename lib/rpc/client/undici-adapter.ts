// Sends axios' requests with undici. Axios' own adapter, over node:http, takes several times as long as the request: it
// handles redirects, proxies, forms, compression and progress, which calls to the same host do not need.
// Small responses are read as text, without undici's stream for each; downloads and events stay streams.
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import { AxiosHeaders } from '../../http/axios.js';

/** Settings of every call. Axios would merge them into each call's own. */
export interface AdapterOptions {
  /** These override the headers of a call. */
  headers?: Record<string, string>;
  /** The longest response that is read as text. */
  maxResponseBytes?: number;
}

/** The response did not end within the call's timeout. */
export class ResponseTooLate extends Error {
  constructor(ms: number) {
    super(`no response within ${ms} ms`);
    this.name = 'ResponseTooLate';
  }
}

/** The response is longer than the adapter reads. */
export class ResponseTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`the response has more than ${maxBytes} bytes`);
    this.name = 'ResponseTooLarge';
  }
}

interface TextRequest extends Dispatcher.DispatchOptions {
  signal: AbortSignal | undefined;
  /** Milliseconds for the whole response; 0 for no limit. */
  timeout: number;
  maxBytes: number;
}

interface TextResponse {
  status: number;
  statusText: string;
  text: string;
}

/** Collects a response as undici parses it. */
class TextReader implements Dispatcher.DispatchHandler {
  readonly #request: TextRequest;
  readonly #resolve: (response: TextResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #chunks: Buffer[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #abortReason: Error | undefined;
  #bytes = 0;
  #status = 0;
  #statusText = '';

  readonly #onAbort = (): void => this.#abort(this.#request.signal?.reason);

  readonly #onTimeout = (): void => this.#abort(new ResponseTooLate(this.#request.timeout));

  constructor(
    request: TextRequest,
    resolve: (response: TextResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    request.signal?.addEventListener('abort', this.#onAbort);
    if (request.timeout > 0) this.#timer = setTimeout(this.#onTimeout, request.timeout);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abortReason !== undefined) controller.abort(this.#abortReason);
  }

  /** Runs for each informational response (1xx), too, before the final one. */
  onResponseStart(_: unknown, status: number, _headers: unknown, statusText = ''): void {
    this.#status = status;
    this.#statusText = statusText;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxBytes } = this.#request;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) controller.abort(new ResponseTooLarge(maxBytes));
  }

  onResponseEnd(): void {
    this.#release();
    const text = Buffer.concat(this.#chunks).toString();
    this.#resolve({ status: this.#status, statusText: this.#statusText, text });
  }

  onResponseError(_: unknown, error: Error): void {
    this.#release();
    this.#reject(error);
  }

  #abort(reason: Error): void {
    this.#release();
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.#reject(reason);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }
}

const readText = (connections: Dispatcher, request: TextRequest): Promise<TextResponse> =>
  new Promise((resolve, reject) => {
    connections.dispatch(request, new TextReader(request, resolve, reject));
  });

/** A longer request may still be in transit when its response arrives, so its connection is not used again. */
const MAX_REUSED_REQUEST = 64 * 1024;

/** Text responses need no headers, and axios would copy them four times. */
const NO_HEADERS = new AxiosHeaders();

const toRequest = (
  { method = 'GET', url = '/', headers, data, signal }: InternalAxiosRequestConfig<string>,
  override: Record<string, string>,
) => ({
  method: method.toUpperCase() as Dispatcher.HttpMethod,
  path: url,
  headers: Object.assign(headers.toJSON() as Record<string, string>, override),
  body: data ?? null,
  signal: signal as AbortSignal | undefined,
  reset: data !== undefined && data.length > MAX_REUSED_REQUEST,
});

/**
 * Makes an axios adapter that sends requests over `connections`. With `responseType: 'stream'` the response's data is
 * a Readable, otherwise text, which rejects with {ResponseTooLate} or {ResponseTooLarge} at its limits.
 */
export const undiciAdapter =
  (
    connections: Dispatcher,
    { headers: override = {}, maxResponseBytes = Number.POSITIVE_INFINITY }: AdapterOptions = {},
  ): AxiosAdapter =>
  async (config): Promise<AxiosResponse> => {
    const request = toRequest(config, override);
    if (config.responseType !== 'stream') {
      const { status, statusText, text } = await readText(connections, {
        ...request,
        timeout: config.timeout ?? 0,
        maxBytes: maxResponseBytes,
      });
      return { status, statusText, config, headers: NO_HEADERS, data: text };
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
