import type { SecureContextOptions } from 'node:tls';
import { type Boom, badRequest, isBoom, notFound } from '@hapi/boom';
import * as Hapi from '@hapi/hapi';
import { routeTable } from '../../routes/table.js';
import { endConnectionsAtStop } from '../http/graceful-stop.js';
import { CONSOLE_PROTOCOL } from '../http/websocket/console.js';
import { Upgrades } from '../http/websocket/upgrades.js';
import type { Context } from '../model/endpoint.js';
import type { Access } from './access.js';
import { requirePrincipals } from './auth.js';
import { browserGuard, type Check, checking, type PublicRoute } from './browser-guard.js';
import { errorBody, notAllowed } from './errors.js';
import { MAX_BODY_BYTES, toHapiRoute } from './hapi-route.js';
import { answerClientErrors, createListener, PATIENCE, type Patience } from './listener.js';
import { limitRate } from './rate-limit.js';
import { answersHead, type Route } from './route.js';
import { servePages } from './static-pages.js';

/** Where a server listens, and who may come in there. */
export interface WayIn {
  listen: { host: string; port: number } | { socket: string };
  access: Access;
  tls?: SecureContextOptions | undefined;
  /** Requests a second that one client may make; absent for any number. */
  rateLimit?: number | undefined;
}

/** What hapi calls the route of a path that it cannot read, and we of one that no other route is for. */
const NO_ROUTE = '/{p*}';

/** The status of a request whose connection has become a WebSocket. */
const HANDED_OVER = 101;

type Methods = ReadonlyMap<string, readonly string[]>;

/** The methods that each path has. */
const methodsOf = (table: readonly Route[]): Methods => {
  const methods = new Map<string, string[]>();
  for (const definition of table) {
    const { path, method } = definition;
    const known = methods.get(path) ?? [];
    methods.set(path, [...known, method, ...(answersHead(definition) ? ['HEAD'] : [])]);
  }
  return methods;
};

/** A route for every method that its path has no other route for. */
const refusal = (
  path: string,
  why: (request: Hapi.Request) => Boom,
  options: Hapi.RouteOptions = {},
): Hapi.ServerRoute => ({
  method: '*',
  path,
  options: {
    ...options,
    payload: { parse: false, output: 'data', maxBytes: MAX_BODY_BYTES, failAction: 'ignore' },
  },
  handler: (request) => {
    throw why(request);
  },
});

/** Every path answers 405 to a method that it has no route for, and says which ones it has. */
const methodNotAllowedRoutes = (methods: Methods): Hapi.ServerRoute[] =>
  [...methods].map(([path, allowed]) => refusal(path, (request) => notAllowed(request, allowed)));

/** Without it hapi would answer by itself, and what is checked of every request would not be checked. */
const noSuchPath = refusal(NO_ROUTE, ({ path }) => notFound(`${path}: there is no such path`), {
  auth: false,
  app: { isPublic: true } satisfies PublicRoute,
});

/** HTTP/1.1 demands a Host header (RFC 9112, 3.2). */
const requireHost: Check = ({ raw: { req } }) => {
  if (req.httpVersion === '1.1' && req.headers.host === undefined)
    throw badRequest('a request of HTTP/1.1 needs a Host header');
};

/** The contract's one shape for errors, whoever made them. */
const shapeErrors = ({ log }: Context): Hapi.Lifecycle.Method => {
  const debug = log.isLevelEnabled('debug');
  return ({ response, method, path, route }, h) => {
    if (!isBoom(response)) return h.continue;
    const { statusCode, headers, payload } = response.output;
    if (statusCode === 403 && payload.message === 'Insufficient scope')
      payload.message =
        'your token or certificate has not the scope for this: docs/security.md says which it takes';
    if (route.path === NO_ROUTE && payload.message === payload.error)
      payload.message = `${path}: this is not a path that can be read`;
    if (statusCode === 500) log.error({ err: response, method, path }, 'an error that nobody foresaw');
    const shaped = h.response(errorBody(response, debug)).code(statusCode);
    for (const [name, value] of Object.entries(headers)) shaped.header(name, String(value));
    return shaped;
  };
};

/** The HTTP server with all its routes; it does not listen before `start()`. */
export const createServer = async (
  context: Context,
  { listen, access, tls, rateLimit }: WayIn,
  patience: Patience = PATIENCE,
): Promise<Hapi.Server> => {
  const debug = context.log.isLevelEnabled('debug');
  const listener = createListener(patience, debug, tls);
  const server = Hapi.server({
    ...('socket' in listen ? { port: listen.socket } : listen),
    listener,
    tls: tls !== undefined,
    debug: false,
    router: { stripTrailingSlash: true },
    // Compression would hold bytes back that are to go out as they arrive.
    mime: {
      override: {
        'application/octet-stream': { compressible: false },
        'text/event-stream': { compressible: false },
      },
    },
    operations: { cleanStop: false },
    routes: { state: { parse: false, failAction: 'ignore' }, response: { ranges: false } },
  });
  endConnectionsAtStop(server, patience.stop);
  requirePrincipals(server, access);
  const upgrades = new Upgrades(listener, CONSOLE_PROTOCOL);
  server.ext('onPreStop', () => upgrades.close());
  const methods = methodsOf(routeTable);
  server.route(
    routeTable.map((definition) =>
      toHapiRoute(definition, {
        context,
        patience,
        upgrades,
        allowed: methods.get(definition.path) ?? [],
        asksWho: !('everyone' in access),
      }),
    ),
  );
  await servePages(server);
  server.route([...methodNotAllowedRoutes(methods), noSuchPath]);
  server.ext('onPreAuth', checking(requireHost, ...browserGuard(access)));
  if (rateLimit !== undefined) server.ext('onPostAuth', limitRate(rateLimit));
  server.ext('onPreResponse', shapeErrors(context));
  server.events.on('response', ({ method, route, response, info }) => {
    const status = isBoom(response) ? response.output.statusCode : (response?.statusCode ?? HANDED_OVER);
    const labels = { method: method.toUpperCase(), route: route.path, status };
    context.metrics.noteRequest(labels, Math.max(0, info.responded - info.received) / 1000);
  });
  answerClientErrors(listener, patience, debug);
  return server;
};
