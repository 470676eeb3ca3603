import { createServer } from 'node:http';
import * as Hapi from '@hapi/hapi';
import type { ObjectSchema } from 'joi';
import { errorMessage } from '../../errors.js';
import { CoalescingResponse } from '../../http/batched-response.js';
import { disconnectSignal } from '../../http/disconnect-signal.js';
import { endConnectionsAtStop } from '../../http/graceful-stop.js';
import { startOnSocket } from '../../http/private-socket.js';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';
import { CONSOLE_PROTOCOL } from '../../http/websocket/console.js';
import { Upgrades } from '../../http/websocket/upgrades.js';
import type { Logger } from '../../log.js';
import { type ByteStream, exactly } from '../protocol/byte-stream.js';
import { decodeCall, encodeError, encodeResult } from '../protocol/codec.js';
import { EVENTS_PATH, HEALTH_PATH, type Health, RPC_PATH } from '../protocol/messages.js';
import {
  describeAddress,
  excessOfSocketPath,
  MAX_SOCKET_PATH,
  removeStaleSocket,
  type ServiceAddress,
} from '../protocol/service-address.js';
import { requireSecret } from './authorization.js';
import { type CallContext, jobStage, LazyCallContext } from './call-context.js';
import { consoleRoute, type OpenConsole } from './console-route.js';
import { CallEvents, eventStream } from './event-stream.js';
import { GuestStates } from './guest-states.js';
import { plain, plainFailure } from './plain-text.js';

const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
/** Longer than a client keeps an idle socket, so that it is never the server that closes one first. */
const KEEP_ALIVE_MS = 120_000;
/** For calls under way when it stops. */
const STOP_MS = 5000;

export type Method<Request, Response> = (request: Request, call: CallContext) => Promise<Response> | Response;

export interface SubAgentOptions {
  name: string;
  log: Logger;
  /** The guests that the sub-agent runs; none by default. */
  guestStates?: GuestStates;
  /** What is wrong, or `undefined` when all is well. */
  check?: () => Promise<string | undefined> | string | undefined;
}

interface RegisteredMethod {
  schema: ObjectSchema;
  handle: Method<never, unknown>;
}

/**
 * The server half of a sub-agent: JSON-RPC 1.0 over HTTP, as the agent speaks it.
 *
 * ```ts
 * const agent = new SubAgent({ name: 'greeter', log });
 * agent.method('Greeter.Greet', guestRequestSchema, ({ guest }) => ({ guest, message: 'hello' }));
 * await agent.listen({ port: 21356 });
 * ```
 */
export class SubAgent {
  readonly #options: SubAgentOptions;
  readonly #methods = new Map<string, RegisteredMethod>();
  readonly #streams: Hapi.ServerRoute[] = [];
  readonly #guestStates: GuestStates;
  readonly #calls = new CallEvents();
  readonly #closing = new AbortController();
  readonly #consoles = new Map<string, OpenConsole>();
  #server: Hapi.Server | undefined;
  #upgrades: Upgrades | undefined;

  constructor(options: SubAgentOptions) {
    this.#options = options;
    this.#guestStates = options.guestStates ?? new GuestStates();
  }

  /** Registers `Service.Method`. What it throws becomes the call's error. */
  method<Request, Response>(
    name: `${string}.${string}`,
    schema: ObjectSchema<Request>,
    handle: Method<Request, Response>,
  ): this {
    this.#methods.set(name, { schema, handle });
    return this;
  }

  /** Registers a path that takes a bare request and answers a stream of bytes; see `Refusal`. */
  stream<Request>(path: string, schema: ObjectSchema<Request>, open: Method<Request, ByteStream>): this {
    this.#streams.push({
      method: 'POST',
      path,
      options: { payload: { override: 'application/json' } },
      handler: async (request, h) => {
        const { value, error } = schema.validate(request.payload);
        if (error) return plain(h, 400, error.message);
        try {
          const { bytes, length } = await open(value, this.#callContext(request, {}));
          const answer = h.response(length === undefined ? bytes : exactly(bytes, length));
          if (length !== undefined) answer.bytes(length);
          // Else hapi makes a 204 of no bytes.
          return answer.code(200).type('application/octet-stream').encoding('binary');
        } catch (failure) {
          return plainFailure(h, failure);
        }
      },
    });
    return this;
  }

  /** Registers a path at which a guest's console is to be had, over a WebSocket. */
  console(path: string, open: OpenConsole): this {
    this.#consoles.set(path, open);
    return this;
  }

  /**
   * Starts to answer. Its socket is for this user alone, and is gone when it has closed.
   * @param address port 0 is any free one
   * @param secret refuses every call without it, health and events included
   * @returns the address, with the true port
   * @throws when the address is taken, or its path too long
   */
  async listen<Address extends ServiceAddress>(address: Address, secret?: string): Promise<Address> {
    if ('socket' in address && excessOfSocketPath(address.socket) > 0)
      throw new Error(
        `${address.socket} is too long for a unix socket: choose a path of at most ${MAX_SOCKET_PATH} bytes`,
      );
    const server = Hapi.server({
      ...('port' in address ? { host: '127.0.0.1', port: address.port } : { port: address.socket }),
      listener: createServer({ ServerResponse: CoalescingResponse, highWaterMark: STREAM_BUFFER_BYTES }),
      debug: false,
      compression: false,
      operations: { cleanStop: false },
      routes: {
        payload: { maxBytes: MAX_REQUEST_BYTES },
        state: { parse: false, failAction: 'ignore' },
        response: { ranges: false },
      },
    });
    server.listener.keepAliveTimeout = KEEP_ALIVE_MS;
    endConnectionsAtStop(server, STOP_MS);
    server.route([this.#rpcRoute(), this.#healthRoute(), this.#eventsRoute(), ...this.#streams]);
    const upgrades = new Upgrades(server.listener, CONSOLE_PROTOCOL);
    for (const [path, open] of this.#consoles) server.route(consoleRoute(path, open, upgrades));
    this.#upgrades = upgrades;
    server.route({
      method: '*',
      path: RPC_PATH,
      handler: (_, h) => plain(h, 405, 'rpc: POST method required'),
    });
    if (secret !== undefined) requireSecret(server, secret);
    await removeStaleSocket(address);
    await startOnSocket(server);
    this.#server = server;
    const listening = 'port' in address ? { ...address, port: Number(server.info.port) } : address;
    this.#options.log.info(`${this.#options.name} listens on ${describeAddress(listening)}`);
    return listening;
  }

  /** Stops; calls under way get some seconds to end. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#upgrades?.close();
    await this.#server?.stop();
  }

  #rpcRoute(): Hapi.ServerRoute {
    return {
      method: 'POST',
      path: RPC_PATH,
      options: { payload: { parse: false, output: 'data' } },
      handler: async (request, h) => {
        const { mime } = request;
        if (mime === 'application/json') return this.#answer(request, h);
        return plain(h, 415, `rpc: unrecognized Content-Type: ${mime ?? ''}`);
      },
    };
  }

  async #answer(request: Hapi.Request, h: Hapi.ResponseToolkit): Promise<Hapi.ResponseObject> {
    let call: ReturnType<typeof decodeCall>;
    try {
      call = decodeCall((request.payload as Buffer).toString('utf8'));
    } catch (error) {
      return plain(h, 400, `rpc: ${errorMessage(error)}`);
    }
    const method = this.#methods.get(call.method);
    if (!method) return plain(h, 400, `rpc: can't find method "${call.method}"`);
    const { value, error } = method.schema.validate(call.params);
    if (error) return plain(h, 400, `${call.method}: ${error.message}`);
    const job = jobStage(request.headers)?.job;
    const about = { method: call.method, guest: value.guest?.id, job };
    const json = (body: string): Hapi.ResponseObject => h.response(body).type('application/json');
    try {
      const result = await method.handle(value as never, this.#callContext(request, about));
      this.#options.log.debug(about, 'done');
      return json(encodeResult(result, call.id));
    } catch (failure) {
      this.#options.log.info(about, `failed: ${errorMessage(failure)}`);
      this.#options.log.debug({ err: failure, ...about }, 'the failure');
      return json(encodeError(failure, call.id));
    }
  }

  #healthRoute(): Hapi.ServerRoute {
    return {
      method: 'GET',
      path: HEALTH_PATH,
      handler: async (): Promise<Health> => {
        const message = await this.#options.check?.();
        return {
          name: this.#options.name,
          status: message === undefined ? 'ok' : 'degraded',
          ...(message === undefined ? {} : { message }),
          methods: [...this.#methods.keys()],
        };
      },
    };
  }

  #eventsRoute(): Hapi.ServerRoute {
    return {
      method: 'GET',
      path: EVENTS_PATH,
      handler: (request, h) => {
        const signal = AbortSignal.any([disconnectSignal(request), this.#closing.signal]);
        return h.response(eventStream(this.#guestStates, this.#calls, signal)).type('application/x-ndjson');
      },
    };
  }

  #callContext(request: Hapi.Request, about: object): CallContext {
    const job = jobStage(request.headers);
    const { log } = this.#options;
    const calls = this.#calls;
    return new LazyCallContext(request, {
      job,
      log: () => log.child(about),
      progress: (message, percent) => {
        if (job)
          calls.emit('progress', { job: job.job, message, ...(percent === undefined ? {} : { percent }) });
      },
    });
  }
}
