import { randomUUID } from 'node:crypto';
import { type DuplexOptions, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { AxiosInstance, AxiosResponse } from 'axios';
import { axios } from '../http/axios.js';
import { contentLength } from '../http/content-length.js';
import { type DialedSocket, dial, UpgradeRefused } from '../http/websocket/dial.js';
import { MistifyError } from './errors.js';
import {
  axiosOptions,
  type ClientOptions,
  DEFAULT_RETRIES,
  DEFAULT_TIMEOUT_SECONDS,
  wsOptions,
} from './options.js';
import { withRetries } from './retry.js';

const PARTIAL_CONTENT = 206;
const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT']);

export interface Download {
  bytes: Readable;
  /** The number of bytes, if the agent knows it. */
  length: number | undefined;
  /** The first byte that is sent: 0, or the one that was asked for. */
  from?: number;
  /** Identifies the bytes, so that a later download can continue this one; absent when it cannot. */
  etag?: string | undefined;
}

export interface CallOptions {
  /** Aborts the request. The agent may still carry it out. */
  signal?: AbortSignal | undefined;
}

export interface ApiRequest extends CallOptions {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  /** JSON, or bytes. */
  body?: unknown;
  /** Whether the agent must carry out the request at most once, so that it is not sent again when its fate is unknown. */
  once?: boolean;
  /** Seconds that the agent may wait before it responds; extends the timeout. */
  waitSeconds?: number | undefined;
}

export interface Connect extends CallOptions {
  query?: Record<string, string | number | undefined>;
  /** The WebSocket subprotocol. */
  protocol: string;
  /** How its messages become a stream. */
  stream?: DuplexOptions;
}

export interface ApiResponse<Body> {
  status: number;
  headers: Record<string, string>;
  body: Body;
}

/** The `code` of the error when another server responds. */
const NOT_AN_AGENT = 'ENOAGENT';

const notAnAgentMessage = (status: number): string =>
  `the server at this address is not an agent: HTTP status ${status}`;

export const notAnAgent = (status: number): MistifyError =>
  new MistifyError(0, notAnAgentMessage(status), { code: NOT_AN_AGENT });

const isObject = (body: unknown): body is object => typeof body === 'object' && body !== null;

/** Whether the body may be an agent's. Other servers, such as a proxy with a sign-in page, send HTML. */
const mayBeFromAgent = (body: unknown, contentType = ''): boolean =>
  body instanceof Readable ? !contentType.startsWith('text/html') : isObject(body);

const messageOf = (status: number, body: unknown): string => {
  const { message } = (isObject(body) ? body : {}) as { message?: unknown };
  return typeof message === 'string' ? message : notAnAgentMessage(status);
};

/** Returns the right that a challenge asks for (RFC 6750, 3). */
const missingScope = (challenge = ''): string | undefined => /\bscope="([^"]*)"/.exec(challenge)?.[1];

const refused = (status: number, headers: Record<string, string>, body: unknown): MistifyError => {
  const retryAfter = Number(headers['retry-after']);
  return new MistifyError(status, messageOf(status, body), {
    ...(Number.isFinite(retryAfter) ? { retryAfter } : {}),
    scope: missingScope(headers['www-authenticate']),
  });
};

const unreachable = (error: unknown, seconds: number): MistifyError => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  // Messages of OpenSSL end with a line feed.
  const reason = TIMED_OUT.has(code) ? `no response within ${seconds} s` : message.trim() || code;
  return new MistifyError(0, `cannot reach the agent: ${reason}`, { code, cause: error });
};

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Sends requests, with retries where that is safe, and turns every failure into a `MistifyError`. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #http: AxiosInstance;
  readonly #timeout: number;
  readonly #retries: number;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#http = axios.create({ ...axiosOptions(options), validateStatus: () => true });
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT_SECONDS;
    this.#retries = options.retries ?? DEFAULT_RETRIES;
  }

  /** Sends a request and reads the JSON response. A request with an Idempotency-Key, as each POST has, can be sent again. */
  async send<Body>(request: ApiRequest): Promise<ApiResponse<Body>> {
    const { status, headers, data } = await this.#sendWithRetries<Body>(request, 'json');
    return { status, headers, body: data };
  }

  async get<Body>(
    path: string,
    query: ApiRequest['query'] = {},
    { signal }: CallOptions = {},
  ): Promise<Body> {
    return (await this.send<Body>({ method: 'GET', path, query, signal })).body;
  }

  /** Sends a request and returns the response's body as a stream. */
  async open(request: ApiRequest): Promise<Readable> {
    return (await this.stream(request)).body;
  }

  /** Sends a request and returns the response's body as a stream, with its length. */
  async download(request: ApiRequest): Promise<Download> {
    const { status, body, headers } = await this.stream(request);
    const [, first = '0'] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? [];
    const from = status === PARTIAL_CONTENT ? Number(first) : 0;
    return { bytes: body, length: contentLength(headers), from, etag: headers.etag };
  }

  /** Sends a request and returns the response with its body as a stream. */
  async stream(request: ApiRequest): Promise<ApiResponse<Readable>> {
    const { status, headers, data } = await this.#sendWithRetries<Readable>(request, 'stream');
    return { status, headers, body: data };
  }

  /** Sends bytes once, because they cannot be read again, and reads the JSON response. It may come before all are sent. */
  async upload<Body>(request: ApiRequest & { body: Readable }): Promise<ApiResponse<Body>> {
    try {
      const { status, headers, data } = await this.#sendOnce<Body>(request, 'json');
      return { status, headers, body: data };
    } finally {
      request.body.destroy();
    }
  }

  /** Opens a WebSocket. */
  async connect(path: string, { query = {}, protocol, signal, stream = {} }: Connect): Promise<DialedSocket> {
    const { baseUrl, ...options } = wsOptions(this.#options);
    const url = new URL(baseUrl.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    try {
      return await dial(url, {
        ...options,
        protocols: protocol,
        signal,
        stream,
        handshakeTimeout: this.#timeout * 1000,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!(error instanceof UpgradeRefused)) throw unreachable(error, this.#timeout);
      throw refused(error.status, {}, parseJson(error.body));
    }
  }

  #sendWithRetries<Body>(request: ApiRequest, responseType: 'json' | 'stream') {
    const { method, waitSeconds = 0, once = false, signal } = request;
    const key = method === 'POST' && !once ? { 'Idempotency-Key': randomUUID() } : {};
    const keyed = { ...request, headers: { ...key, ...request.headers } };
    return withRetries(() => this.#sendOnce<Body>(keyed, responseType), {
      retries: this.#retries,
      isRepeatable: method === 'GET' || 'Idempotency-Key' in keyed.headers,
      mayBeUnderWay: once || waitSeconds > 0,
      signal,
    });
  }

  async #sendOnce<Body>(request: ApiRequest, responseType: 'json' | 'stream') {
    const { method, path, query, headers, body, waitSeconds = 0, signal } = request;
    const seconds = this.#timeout + waitSeconds;
    let response: AxiosResponse<Body>;
    try {
      response = await this.#http.request<Body>({
        method,
        url: path,
        params: query,
        headers: headers ?? {},
        data: body,
        responseType,
        timeout: seconds * 1000,
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      throw signal?.aborted ? signal.reason : unreachable(error, seconds);
    }
    const { status, data } = response;
    const received = response.headers as Record<string, string>;
    if (status >= 300) {
      const problem = data instanceof Readable ? parseJson(await text(data)) : data;
      throw refused(status, received, problem);
    }
    if (mayBeFromAgent(data, received['content-type'])) return { status, headers: received, data };
    if (data instanceof Readable) data.destroy();
    throw notAnAgent(status);
  }
}
