import { createServer } from 'node:http';
import * as Hapi from '@hapi/hapi';
import type { ObjectSchema } from 'joi';
import { waitFor } from '../../async/deadline.js';
import { errorMessage } from '../../errors.js';
import { BatchedResponse } from '../../http/batched-response.js';
import { disconnectSignal } from '../../http/disconnect-signal.js';
import { closeConnectionsOnStop } from '../../http/graceful-stop.js';
import { startOnSocket } from '../../http/private-socket.js';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';
import { CONSOLE_PROTOCOL } from '../../http/websocket/console.js';
import { Upgrades } from '../../http/websocket/upgrades.js';
import type { Logger } from '../../log.js';
import type { ByteStream } from '../protocol/byte-stream.js';
import { HEALTH_PATH, type Health } from '../protocol/calls.js';
import {
  describeAddress,
  excessOfSocketPath,
  MAX_SOCKET_PATH,
  removeStaleSocket,
  type ServiceAddress,
} from '../protocol/service-address.js';
import { EVENTS_PATH } from '../protocol/sub-agent-events.js';
import { requireSecret } from './authorization.js';
import { jobStage, LazyCallContext, type MakeCallContext } from './call-context.js';
import { Cancellations } from './cancellations.js';
import { consoleRoute, type OpenConsole } from './console-route.js';
import { CallEvents, eventStream } from './event-stream.js';
import { GuestStates } from './guest-states.js';
import { Problems } from './problems.js';
import { Programs } from './programs.js';
import { type Method, type RegisteredMethod, rpcRoutes } from './rpc-route.js';
import { streamRoute } from './stream-route.js';
import { type Receive, uploadRoute } from './upload-route.js';

const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
/** Longer than clients keep idle connections, so that the server never closes one first. */
const KEEP_ALIVE_MS = 120_000;
/** The time that running calls get when the sub-agent stops. */
const STOP_MS = 5000;
/** The time that a health check gets. */
const CHECK_MS = 4000;

export interface SubAgentOptions {
  name: string;
  log: Logger;
  /** The states of the guests that the sub-agent runs. */
  guestStates?: GuestStates;
  /** What it could not do and retries; the agent shows them at /readyz. */
  problems?: Problems;
  /** What it works with; the agent shows them at /host. */
  programs?: Programs;
  /** Returns the problem that `Health` reports; `undefined` when the sub-agent is healthy. */
  check?: () => Promise<string | undefined> | string | undefined;
}

/**
 * The server half of a sub-agent: JSON-RPC 1.0 over HTTP, streams, consoles, events and health.
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
  readonly #problems: Problems;
  readonly #programs: Programs;
  readonly #calls = new CallEvents();
  readonly #closing = new AbortController();
  readonly #consoles = new Map<string, OpenConsole>();
  #server: Hapi.Server | undefined;
  #upgrades: Upgrades | undefined;

  readonly #cancellations = new Cancellations();

  readonly #makeContext: MakeCallContext = (request, about) => {
    const job = jobStage(request.headers);
    return new LazyCallContext(request, {
      job,
      cancellations: this.#cancellations,
      log: () => this.#options.log.child(about),
      progress: (message, percent) => {
        if (job)
          this.#calls.emit('progress', {
            job: job.job,
            message,
            ...(percent === undefined ? {} : { percent }),
          });
      },
    });
  };

  constructor(options: SubAgentOptions) {
    this.#options = options;
    this.#guestStates = options.guestStates ?? new GuestStates();
    this.#problems = options.problems ?? new Problems();
    this.#programs = options.programs ?? new Programs();
  }

  /** Registers `Service.Method`. The message of an error that it throws becomes the call's error; see `Refusal`. */
  method<Request, Response>(
    name: `${string}.${string}`,
    schema: ObjectSchema<Request>,
    handle: Method<Request, Response>,
  ): this {
    this.#methods.set(name, { schema, handle });
    return this;
  }

  /** Registers a path that takes a bare request and responds with a stream of bytes; see `Refusal`. */
  stream<Request>(path: string, schema: ObjectSchema<Request>, open: Method<Request, ByteStream>): this {
    this.#streams.push(streamRoute(path, schema, open, this.#makeContext));
    return this;
  }

  /** Registers a path that receives bytes with a request, and responds with JSON; see `Refusal`. */
  upload<Request, Response>(
    path: string,
    schema: ObjectSchema<Request>,
    receive: Receive<Request, Response>,
  ): this {
    this.#streams.push(uploadRoute(path, schema, receive, this.#makeContext));
    return this;
  }

  /** Registers a path that serves guests' consoles over WebSockets; see `Refusal`. */
  console(path: string, open: OpenConsole): this {
    this.#consoles.set(path, open);
    return this;
  }

  /**
   * Starts to serve. Only this user can connect to a unix socket, which `close` removes.
   * @param address port 0 picks a free port
   * @param secret required of every request, health and events included
   * @returns the address with the actual port
   * @throws when the address is in use, or its path too long
   */
  async listen<Address extends ServiceAddress>(address: Address, secret?: string): Promise<Address> {
    if ('socket' in address && excessOfSocketPath(address.socket) > 0)
      throw new Error(
        `${address.socket} is too long for a unix socket: choose a path of at most ${MAX_SOCKET_PATH} bytes`,
      );
    const server = Hapi.server({
      ...('port' in address ? { host: '127.0.0.1', port: address.port } : { port: address.socket }),
      listener: createServer({
        ServerResponse: BatchedResponse,
        highWaterMark: STREAM_BUFFER_BYTES,
        // Only the agent can call it, and uploads may take hours.
        requestTimeout: 0,
      }),
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
    closeConnectionsOnStop(server, STOP_MS);
    server.route([
      ...rpcRoutes(this.#methods, this.#makeContext, this.#options.log),
      this.#healthRoute(),
      this.#eventsRoute(),
      this.#cancellations.route(),
      ...this.#streams,
    ]);
    const upgrades = new Upgrades(server.listener, CONSOLE_PROTOCOL);
    for (const [path, open] of this.#consoles) server.route(consoleRoute(path, open, upgrades));
    this.#upgrades = upgrades;
    if (secret !== undefined) requireSecret(server, secret);
    await removeStaleSocket(address);
    await startOnSocket(server);
    this.#server = server;
    const listening = 'port' in address ? { ...address, port: Number(server.info.port) } : address;
    this.#options.log.info(`${this.#options.name} listens on ${describeAddress(listening)}`);
    return listening;
  }

  /** Stops. Running calls get a few seconds to finish. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#upgrades?.close();
    await this.#server?.stop();
  }

  #healthRoute(): Hapi.ServerRoute {
    return {
      method: 'GET',
      path: HEALTH_PATH,
      handler: async (): Promise<Health> => {
        const fault = await this.#check();
        // The check may find what the sub-agent knows already.
        const problems = [...new Set([...(fault === undefined ? [] : [fault]), ...this.#problems.all()])];
        return {
          name: this.#options.name,
          status: problems.length === 0 ? 'ok' : 'degraded',
          ...(problems.length === 0 ? {} : { message: problems.join('; ') }),
          methods: [...this.#methods.keys()],
        };
      },
    };
  }

  /** Answers in time while a third party that the check needs hangs, because the agent restarts a sub-agent that hangs. */
  async #check(): Promise<string | undefined> {
    const limit = {
      ms: CHECK_MS,
      expired: () => new Error(`its check takes longer than ${CHECK_MS / 1000} s`),
    };
    return waitFor(Promise.resolve(this.#options.check?.()), undefined, limit).catch(errorMessage);
  }

  #eventsRoute(): Hapi.ServerRoute {
    return {
      method: 'GET',
      path: EVENTS_PATH,
      handler: (request, h) => {
        const signal = AbortSignal.any([disconnectSignal(request), this.#closing.signal]);
        const sources = {
          ...{ states: this.#guestStates, calls: this.#calls },
          ...{ problems: this.#problems, programs: this.#programs },
        };
        return h.response(eventStream(sources, signal)).type('application/x-ndjson');
      },
    };
  }
}
