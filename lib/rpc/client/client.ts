import type { Duplex, Readable } from 'node:stream';
import type { Axios as AxiosClient, AxiosRequestConfig, AxiosResponse } from 'axios';
import { errors, type Pool } from 'undici';
import type { TimeLimit } from '../../async/deadline.js';
import { AgentError, badResponse, errorMessage, serviceDown } from '../../errors.js';
import { Axios, AxiosError } from '../../http/axios.js';
import { contentLength } from '../../http/content-length.js';
import { CONSOLE_PROTOCOL } from '../../http/websocket/console.js';
import { dial, UpgradeRefused } from '../../http/websocket/dial.js';
import type { ByteStream } from '../protocol/byte-stream.js';
import { encodeCall } from '../protocol/codec.js';
import { CALL_HEADERS, type JobStage } from '../protocol/messages.js';
import {
  authorization,
  nameAddress,
  type ServiceEndpoint,
  webSocketOptions,
} from '../protocol/service-address.js';
import { connectionsTo } from './connections.js';
import { callFailed, consoleRefused, statusFailed, streamRefused } from './refused.js';
import type { CallOptions, ConsoleQuery, ServiceClient } from './service-client.js';
import { toSubAgent } from './undici-adapter.js';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface RpcClientOptions {
  /** The service's name, for error messages. */
  service: string;
  endpoint: ServiceEndpoint;
  path: string;
  /** Connections at the same time. */
  maxSockets: number;
}

interface RpcAnswer {
  result?: unknown;
  error?: unknown;
  /** What the error means: see `kindOfError`. */
  kind?: unknown;
  id?: unknown;
}

type Sending = AxiosRequestConfig & { signal?: AbortSignal };

const asText = (data: unknown): string => data as string;

export const stageHeaders = ({ job, stage, attempt }: JobStage): Record<string, string | number> => ({
  [CALL_HEADERS.job]: job,
  [CALL_HEADERS.stage]: stage,
  [CALL_HEADERS.attempt]: attempt,
});

/** What undici says of an answer that HTTP has, but not to our requests, such as a 100 or a 101. */
const UNASKED = /^bad (response|upgrade)$/;

/** Whether something answered, but not in HTTP, not what we asked, or more than we read. */
const isNonsense = (error: unknown): boolean =>
  error instanceof errors.HTTPParserError ||
  error instanceof errors.HeadersOverflowError ||
  (error instanceof errors.SocketError && UNASKED.test(error.message)) ||
  error instanceof AxiosError;

const isTimeUp = (error: unknown): boolean =>
  error instanceof AxiosError && error.code === AxiosError.ETIMEDOUT;

/** Why nothing answered: the system's code where it has one, undici's words otherwise. */
const whyDown = (error: unknown): string => {
  const { code = '' } = error as NodeJS.ErrnoException;
  return error instanceof errors.UndiciError || code === '' ? errorMessage(error) : code;
};

/** Calls a sub-agent: JSON-RPC 1.0 over HTTP, over connections that are kept alive. */
export class RpcClient implements ServiceClient {
  readonly #service: string;
  readonly #http: AxiosClient;
  readonly #connections: Pool;
  readonly #path: string;
  readonly #endpoint: ServiceEndpoint;
  readonly #where: string;
  #lastId = 0;

  constructor({ service, endpoint, path, maxSockets }: RpcClientOptions) {
    this.#service = service;
    this.#path = path;
    this.#endpoint = endpoint;
    this.#where = nameAddress(endpoint.address);
    this.#connections = connectionsTo(endpoint.address, maxSockets);
    const headers = { ...authorization(endpoint), 'Content-Type': 'application/json' };
    // Not `axios.create`, whose defaults for all the world are merged into each call anew.
    this.#http = new Axios({
      adapter: toSubAgent(this.#connections, { headers, maxAnswerBytes: MAX_ANSWER_BYTES }),
    });
  }

  /**
   * Calls `method` with one request.
   * @throws {AgentError} `unavailable` when nothing answers, `bad_answer` or `not_found` when it is not well; what the limit says
   */
  async call(method: string, request: unknown, { signal, limit, stage }: CallOptions = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const config: Sending = { data: encodeCall(method, request, id) };
    if (limit) config.timeout = limit.ms;
    if (signal) config.signal = signal;
    if (stage) config.headers = stageHeaders(stage);
    const response = await this.#send(config, limit);
    if (response.status >= 400) throw statusFailed(this.#service, response.status, asText(response.data));
    return this.#result(method, id, asText(response.data));
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
    return { bytes, length: contentLength(headers) };
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
      throw serviceDown(this.#service, this.#where, errorMessage(error));
    }
  }

  close(): void {
    void this.#connections.destroy();
  }

  async #send(config: Sending, limit?: TimeLimit): Promise<AxiosResponse> {
    config.method = 'POST';
    config.url = this.#path;
    try {
      return await this.#http.request(config);
    } catch (error) {
      config.signal?.throwIfAborted();
      if (limit && isTimeUp(error)) throw limit.expired();
      if (isNonsense(error)) throw badResponse(this.#service, errorMessage(error));
      throw serviceDown(this.#service, this.#where, whyDown(error));
    }
  }

  #result(method: string, id: number, text: string): unknown {
    let answer: RpcAnswer | null;
    try {
      answer = JSON.parse(text) as RpcAnswer | null;
    } catch (error) {
      throw new AgentError('bad_answer', `${this.#service}: the response to ${method} is not JSON`, {
        cause: error,
      });
    }
    if (typeof answer !== 'object' || answer === null)
      throw badResponse(this.#service, `no response to ${method}`);
    if (answer.error !== null && answer.error !== undefined)
      throw callFailed(this.#service, answer.error, answer.kind);
    if (answer.id !== id)
      throw badResponse(this.#service, `the response to ${method} belongs to another call`);
    if (typeof answer.result !== 'object' || answer.result === null || Array.isArray(answer.result)) {
      throw badResponse(this.#service, `the response to ${method} has no result`);
    }
    return answer.result;
  }
}
