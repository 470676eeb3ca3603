import { type Duplex, finished, Readable } from 'node:stream';
import type {
  Lifecycle,
  ReqRefDefaults,
  Request,
  ResponseObject,
  ResponseToolkit,
  RouteOptions,
  ServerRoute,
} from '@hapi/hapi';
import { disconnectSignal } from '../http/disconnect-signal.js';
import type { Upgrades } from '../http/websocket/upgrades.js';
import type { Context, Event, Reply } from '../model/endpoint.js';
import { audit, auditHandover, isAudited } from './audit.js';
import { principalOf, whenRevoked } from './auth.js';
import type { PublicRoute } from './browser-guard.js';
import { notAllowed, toBoom } from './errors.js';
import { bodyOf } from './json-body.js';
import type { Patience } from './listener.js';
import { conditionsOf } from './request-conditions.js';
import { answersHead, isWebSocket, type Route, scopeOf } from './route.js';
import { partsValidator } from './validator.js';
import { connectClient, requireHandshake } from './web-sockets.js';

/** A body of JSON for one guest or one action is small. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** What a route without a query schema has of it. */
const NO_QUERY = {};

const payloadOptions = ({ payload }: Route): RouteOptions<ReqRefDefaults>['payload'] =>
  payload === undefined || payload === 'ignored'
    ? { parse: false, output: 'data', maxBytes: MAX_BODY_BYTES }
    : { override: 'application/json', maxBytes: MAX_BODY_BYTES };

/** A request, as handlers know it. */
class RequestEvent implements Event {
  readonly params: unknown;
  readonly query: unknown;
  readonly payload: unknown;
  readonly principal: Event['principal'];
  readonly idempotency: Event['idempotency'];
  readonly ifMatch: Event['ifMatch'];
  readonly lastEventId: Event['lastEventId'];
  readonly #request: Request;
  #signal: AbortSignal | undefined;

  constructor(request: Request, route: Route) {
    const { idempotency, ifMatch, lastEventId } = conditionsOf(request, route);
    this.#request = request;
    this.params = request.params;
    this.query = route.query ? request.query : NO_QUERY;
    this.payload = request.payload;
    this.principal = principalOf(request);
    this.idempotency = idempotency;
    this.ifMatch = ifMatch;
    this.lastEventId = lastEventId;
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.#signal ??= disconnectSignal(this.#request);
    return this.#signal;
  }
}

/** The next page of a list, as RFC 8288 has it. */
const linkToNext = ({ url }: Request, cursor: string): string => {
  const query = new URLSearchParams(url.searchParams);
  query.set('cursor', cursor);
  return `<${url.pathname}?${query}>; rel="next"`;
};

/** What hapi's responses have and its types do not. */
interface Untyped {
  passThrough(isEnabled: boolean): void;
}

const respond = (reply: Reply, request: Request, h: ResponseToolkit, stall: number): ResponseObject => {
  const { status, headers, next } = reply;
  const body = bodyOf(reply);
  const response = h.response(body).code(status);
  if (reply.isStored) response.type('application/json');
  if (next !== undefined) response.header('Link', linkToNext(request, next));
  for (const name in headers) response.header(name, String(headers[name]));
  if (body instanceof Readable) {
    const { req, res } = request.raw;
    // Else the headers of a sub-agent's answer go to the client.
    (response as unknown as Untyped).passThrough(false);
    // Of a stream that has broken off before it is read hapi does not hear.
    finished(body, { writable: false }, (error) => {
      if (error && !res.writableEnded) res.destroy();
    });
    res.setTimeout(stall, () => res.destroy());
    // It is the socket's, and the answer that follows on it may take as long as it wants. Node sets its own afterwards.
    res.prependOnceListener('finish', () => req.socket.setTimeout(0));
    res.once(
      'close',
      whenRevoked(request, () => res.destroy()),
    );
  }
  return response;
};

interface Serving {
  context: Context;
  patience: Patience;
  upgrades: Upgrades;
  /** The methods that its path has. */
  allowed: readonly string[];
  /** Whether clients have to say who they are. */
  asksWho: boolean;
}

/** Validates a request, calls the handler, and sends what it answers. */
const serve = (definition: Route, { context, patience, upgrades, allowed }: Serving): Lifecycle.Method => {
  const validateParts = partsValidator(definition);
  const refusesHead = definition.method === 'GET' && !answersHead(definition);
  return async (request, h) => {
    try {
      // hapi gives every GET a HEAD that runs its handler.
      if (refusesHead && request.method === 'head') throw notAllowed(request, allowed);
      validateParts(request);
      if (isWebSocket(definition)) requireHandshake(request, upgrades);
      const reply = await definition.handler(new RequestEvent(request, definition), context);
      if (reply.status !== 101) return respond(reply, request, h, patience.stall);
      connectClient(request, upgrades, reply.body as Duplex);
      auditHandover(context, request, reply);
      return h.abandon;
    } catch (error) {
      throw toBoom(error);
    }
  };
};

/** A route as hapi knows it. */
export const toHapiRoute = (definition: Route, serving: Serving): ServerRoute => {
  const { method, path, summary, tags } = definition;
  const scope = scopeOf(definition);
  const takesBody = method !== 'GET';
  return {
    method,
    path,
    options: {
      description: summary,
      tags: [...tags],
      app: { isPublic: scope === 'public' } satisfies PublicRoute,
      auth: scope === 'public' || !serving.asksWho ? false : { access: { scope: [scope] } },
      ...(isAudited(definition) ? { ext: { onPreResponse: { method: audit(serving.context) } } } : {}),
      ...(takesBody ? { payload: payloadOptions(definition) } : {}),
    },
    handler: serve(definition, serving),
  };
};
