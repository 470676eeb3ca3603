import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Axios as AxiosClient, AxiosRequestConfig, AxiosResponse } from 'axios';
import { errors, type Pool } from 'undici';
import type { TimeLimit } from '../../async/deadline.js';
import { AgentError, badResponse, errorMessage, serviceDown } from '../../errors.js';
import { Axios } from '../../http/axios.js';
import { contentLength } from '../../http/content-length.js';
import { CONSOLE_PROTOCOL } from '../../http/websocket/console.js';
import { dial, UpgradeRefused } from '../../http/websocket/dial.js';
import type { ByteStream } from '../protocol/byte-stream.js';
import { CALL_HEADERS, CANCEL_PATH, type JobStage } from '../protocol/calls.js';
import { encodeCall } from '../protocol/codec.js';
import { partIn } from '../protocol/disk-download.js';
import {
  authorization,
  publicAddress,
  type ServiceEndpoint,
  webSocketOptions,
} from '../protocol/service-address.js';
import { connectionsTo } from './connections.js';
import { callFailed, consoleRefused, statusFailed, streamRefused } from './refused.js';
import type { CallOptions, ConsoleQuery, ServiceClient } from './service-client.js';
import { ResponseTooLarge, ResponseTooLate, undiciAdapter } from './undici-adapter.js';
import { parseUploadResult, postUpload } from './upload.js';

const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

export interface RpcClientOptions {
  /** The service's name, for error messages. */
  service: string;
  endpoint: ServiceEndpoint;
  path: string;
  /** The most connections that are open at the same time. */
  maxSockets: number;
  /** Explains why the sub-agent is not running, where the agent knows that. */
  whyDown?: () => string | undefined;
}

/** The envelope of a response, as it may arrive. */
interface Envelope {
  result?: unknown;
  error?: unknown;
  /** The meaning of the error: see `kindOfError`. */
  kind?: unknown;
  id?: unknown;
}

type RequestConfig = AxiosRequestConfig & { signal?: AbortSignal };

/** How long a cancellation may take before the call is broken off anyway. */
const CANCEL_MS = 1000;

/** Encodes a call's job, stage and attempt as the headers that `jobStage` reads. */
export const stageHeaders = ({ job, stage, attempt }: JobStage): Record<string, string | number> => ({
  [CALL_HEADERS.job]: job,
  [CALL_HEADERS.stage]: stage,
  [CALL_HEADERS.attempt]: attempt,
});

/** undici's messages about an unrequested interim response (1xx). */
const UNASKED = /^bad (response|upgrade)$/;

/** Whether a response did arrive but is not HTTP, was not requested, or is too long. */
const isBadResponse = (error: unknown): boolean =>
  error instanceof errors.HTTPParserError ||
  error instanceof errors.HeadersOverflowError ||
  (error instanceof errors.SocketError && UNASKED.test(error.message)) ||
  error instanceof ResponseTooLarge;

/** Explains why no response arrived: the system's error code, or else undici's message. */
const downReason = (error: unknown): string => {
  const { code = '' } = error as NodeJS.ErrnoException;
  return error instanceof errors.UndiciError || code === '' ? errorMessage(error) : code;
};

/** Calls a sub-agent with JSON-RPC 1.0 over HTTP, on connections that are kept alive. */
export class RpcClient implements ServiceClient {
  readonly #service: string;
  readonly #http: AxiosClient;
  readonly #connections: Pool;
  readonly #path: string;
  readonly #endpoint: ServiceEndpoint;
  readonly #where: string;
  readonly #whyDown: () => string | undefined;
  #lastId = 0;

  constructor({ service, endpoint, path, maxSockets, whyDown }: RpcClientOptions) {
    this.#whyDown = whyDown ?? (() => undefined);
    this.#service = service;
    this.#path = path;
    this.#endpoint = endpoint;
    this.#where = publicAddress(endpoint.address);
    this.#connections = connectionsTo(endpoint.address, maxSockets);
    const headers = { ...authorization(endpoint), 'Content-Type': 'application/json' };
    // `axios.create` would merge axios' defaults into the config of each call.
    this.#http = new Axios({
      adapter: undiciAdapter(this.#connections, { headers, maxResponseBytes: MAX_RESPONSE_BYTES }),
    });
  }

  /**
   * Calls `method` with one request.
   * @returns the result, an object
   * @throws {AgentError} `unavailable` when the sub-agent does not respond, `bad_answer` when its response makes no
   * sense or reports a failure of its own, the kind of its refusal, and the limit's own error when the time is up
   */
  async call(method: string, request: unknown, { signal, limit, stage }: CallOptions = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const config: RequestConfig = { data: encodeCall(method, request, id) };
    if (limit) config.timeout = limit.ms;
    if (signal) config.signal = signal;
    if (stage) config.headers = stageHeaders(stage);
    const { status, data } = (await this.#send(config, limit)) as AxiosResponse<string>;
    if (status >= 400) throw statusFailed(this.#service, status, data);
    return this.#decode(method, id, data);
  }

  /**
   * Posts a bare request, without the envelope of JSON-RPC, and opens the bytes of its response.
   * @throws {StreamRefused} when the response is an error
   */
  async open(request: unknown, signal: AbortSignal): Promise<ByteStream> {
    const { status, data, headers } = await this.#send({
      data: JSON.stringify(request),
      signal,
      responseType: 'stream',
    });
    const bytes = data as Readable;
    if (status !== 200) throw await streamRefused(this.#service, status, bytes);
    const part = partIn(headers as IncomingHttpHeaders);
    return { bytes, length: contentLength(headers), ...(part ? { part } : {}) };
  }

  /**
   * Posts bytes as they arrive, and destroys them when the sub-agent wants no more.
   * @throws {StreamRefused} when the response is an error
   */
  async upload(request: unknown, bytes: Readable, signal: AbortSignal): Promise<object> {
    const upload = { endpoint: this.#endpoint, path: this.#path, request, bytes, signal };
    try {
      const { statusCode, body } = await this.#reach(signal, () => postUpload(this.#connections, upload));
      if (statusCode !== 200) throw await streamRefused(this.#service, statusCode, body);
      return parseUploadResult(this.#service, await this.#reach(signal, () => body.text()));
    } finally {
      bytes.destroy();
    }
  }

  async connect(request: ConsoleQuery, signal: AbortSignal): Promise<Duplex> {
    const url = new URL(this.#path, 'ws://localhost');
    for (const [name, value] of Object.entries(request)) url.searchParams.set(name, String(value));
    const options = { ...webSocketOptions(this.#endpoint), protocols: CONSOLE_PROTOCOL, signal };
    try {
      const stream = { readableObjectMode: true, decodeStrings: false };
      return (await dial(url, { ...options, stream })).messages;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UpgradeRefused) throw consoleRefused(this.#service, error);
      throw this.#down(errorMessage(error));
    }
  }

  async cancel(job: string): Promise<void> {
    const request = { method: 'POST', url: CANCEL_PATH, data: JSON.stringify({ job }), timeout: CANCEL_MS };
    await this.#http.request(request).catch(() => undefined);
  }

  close(): void {
    void this.#connections.destroy();
  }

  async #send(config: RequestConfig, limit?: TimeLimit): Promise<AxiosResponse> {
    config.method = 'POST';
    config.url = this.#path;
    return this.#reach(config.signal, () => this.#http.request(config), limit);
  }

  /** Sends a request, and words its failure. */
  async #reach<T>(signal: AbortSignal | undefined, send: () => Promise<T>, limit?: TimeLimit): Promise<T> {
    try {
      return await send();
    } catch (error) {
      signal?.throwIfAborted();
      if (limit && error instanceof ResponseTooLate) throw limit.expired();
      if (isBadResponse(error)) throw badResponse(this.#service, errorMessage(error));
      throw this.#down(downReason(error));
    }
  }

  #down(reason: string): AgentError {
    return serviceDown(this.#service, this.#where, this.#whyDown() ?? reason);
  }

  #decode(method: string, id: number, text: string): unknown {
    let envelope: Envelope | null;
    try {
      envelope = JSON.parse(text) as Envelope | null;
    } catch (error) {
      const message = `${this.#service}: the response to ${method} is not JSON`;
      throw new AgentError('bad_answer', message, { cause: error });
    }
    if (typeof envelope !== 'object' || envelope === null)
      throw badResponse(this.#service, `the response to ${method} is not a JSON object`);
    const { result, error } = envelope;
    if (error !== null && error !== undefined) throw callFailed(this.#service, error, envelope.kind);
    if (envelope.id !== id)
      throw badResponse(this.#service, `the response to ${method} belongs to another call`);
    if (typeof result !== 'object' || result === null || Array.isArray(result))
      throw badResponse(this.#service, `the response to ${method} has no result`);
    return result;
  }
}
