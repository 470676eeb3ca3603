import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { AxiosInstance, AxiosResponse } from 'axios';
import { axios } from '../http/axios.js';
import { contentLength } from '../http/content-length.js';
import { type Dialled, dial, UpgradeRefused } from '../http/websocket/dial.js';
import { MistifyError } from './errors.js';
import {
  type ClientOptions,
  connectionOf,
  DEFAULT_RETRIES,
  DEFAULT_TIMEOUT_SECONDS,
  webSocketOf,
} from './options.js';
import { retrying } from './retry.js';

const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT']);

export interface Download {
  bytes: Readable;
  /** How many there will be, where the agent knows. */
  length: number | undefined;
}

export interface CallOptions {
  /** Gives up when it is aborted; what was asked for may be done all the same. */
  signal?: AbortSignal | undefined;
}

export interface Call extends CallOptions {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  body?: unknown;
  /** Seconds that the agent was asked to take its time. */
  patience?: number | undefined;
}

export interface Connect extends CallOptions {
  query?: Record<string, string | number | undefined>;
  /** The subprotocol. */
  protocol: string;
}

export interface Answer<Body> {
  status: number;
  headers: Record<string, string>;
  body: Body;
}

/** The `code` of an error of something else that answers. */
const NO_AGENT = 'ENOAGENT';

const noAgent = (status: number): string => `what answers there is no agent: HTTP status ${status}`;

export const notOfAgent = (status: number): MistifyError =>
  new MistifyError(0, noAgent(status), { code: NO_AGENT });

const isObject = (body: unknown): body is object => typeof body === 'object' && body !== null;

/** Whether an agent may have sent it. What answers in place of one, such as a proxy that asks who you are, has pages. */
const mayBeOfAgent = (body: unknown, contentType = ''): boolean =>
  body instanceof Readable ? !contentType.startsWith('text/html') : isObject(body);

const messageOf = (status: number, body: unknown): string => {
  const { message } = (isObject(body) ? body : {}) as { message?: unknown };
  return typeof message === 'string' ? message : noAgent(status);
};

const refusal = (status: number, headers: Record<string, string>, body: unknown): MistifyError => {
  const retryAfter = Number(headers['retry-after']);
  return new MistifyError(status, messageOf(status, body), Number.isFinite(retryAfter) ? { retryAfter } : {});
};

const unreachable = (error: unknown, seconds: number): MistifyError => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  // OpenSSL's end with a line feed.
  const reason = TIMED_OUT.has(code) ? `no answer within ${seconds} s` : message.trim() || code;
  return new MistifyError(0, `the agent cannot be reached: ${reason}`, { code, cause: error });
};

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Sends requests, again where that is safe, and turns whatever goes wrong into a `MistifyError`. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #http: AxiosInstance;
  readonly #timeout: number;
  readonly #retries: number;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#http = axios.create({ ...connectionOf(options), validateStatus: () => true });
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT_SECONDS;
    this.#retries = options.retries ?? DEFAULT_RETRIES;
  }

  /** @param call that of a POST gets a key of its own, by which the agent knows it when it comes again */
  async send<Body>(call: Call): Promise<Answer<Body>> {
    const { status, headers, data } = await this.#ask<Body>(call, 'json');
    return { status, headers, body: data };
  }

  async get<Body>(path: string, query: Call['query'] = {}, { signal }: CallOptions = {}): Promise<Body> {
    return (await this.send<Body>({ method: 'GET', path, query, signal })).body;
  }

  /** The bytes of an answer, as they come. */
  async open(call: Call): Promise<Readable> {
    return (await this.stream(call)).body;
  }

  /** The bytes of an answer, as they come, and how many there will be. */
  async download(call: Call): Promise<Download> {
    const { body, headers } = await this.stream(call);
    return { bytes: body, length: contentLength(headers) };
  }

  /** An answer whose body is its bytes, as they come. */
  async stream(call: Call): Promise<Answer<Readable>> {
    const { status, headers, data } = await this.#ask<Readable>(call, 'stream');
    return { status, headers, body: data };
  }

  async connect(path: string, { query = {}, protocol, signal }: Connect): Promise<Dialled> {
    const { baseUrl, ...options } = webSocketOf(this.#options);
    const url = new URL(baseUrl.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    try {
      return await dial(url, {
        ...options,
        protocols: protocol,
        signal,
        handshakeTimeout: this.#timeout * 1000,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!(error instanceof UpgradeRefused)) throw unreachable(error, this.#timeout);
      throw refusal(error.status, {}, parsed(error.body));
    }
  }

  #ask<Body>(call: Call, responseType: 'json' | 'stream') {
    const { method, patience = 0, signal } = call;
    const key = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    const keyed = { ...call, headers: { ...key, ...call.headers } };
    const repeatable = method === 'GET' || method === 'POST';
    return retrying(() => this.#askOnce<Body>(keyed, responseType), {
      retries: this.#retries,
      repeatable,
      waits: patience > 0,
      signal,
    });
  }

  async #askOnce<Body>(call: Call, responseType: 'json' | 'stream') {
    const { method, path, query, headers, body, patience = 0, signal } = call;
    const seconds = this.#timeout + patience;
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
      const said = data instanceof Readable ? parsed(await text(data)) : data;
      throw refusal(status, received, said);
    }
    if (mayBeOfAgent(data, received['content-type'])) return { status, headers: received, data };
    if (data instanceof Readable) data.destroy();
    throw notOfAgent(status);
  }
}
