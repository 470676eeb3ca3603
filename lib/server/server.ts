import type { SecureContextOptions } from 'node:tls';
import { type Boom, badRequest, entityTooLarge, isBoom, notFound } from '@hapi/boom';
import * as Hapi from '@hapi/hapi';
import { closeConnectionsOnStop } from '../http/graceful-stop.js';
import { beginUpload, isUploading } from '../http/upload.js';
import { CONSOLE_PROTOCOL } from '../http/websocket/console.js';
import { Upgrades } from '../http/websocket/upgrades.js';
import type { UidRange } from '../process/guest-uids.js';
import type { Access } from './access.js';
import { auditRefusal } from './audit.js';
import { requirePrincipals } from './auth.js';
import { browserGuard, type Check, checking } from './browser-guard.js';
import type { ServerContext } from './context.js';
import { NO_ROUTE, notAllowed, onError, shapeError } from './errors.js';
import { actsOnGet } from './get-actions.js';
import { rejectGuests } from './guest-peers.js';
import { MAX_BODY_BYTES, toHapiRoute } from './hapi-route.js';
import { answerClientErrors, createListener, DEFAULT_TIMEOUTS, type Timeouts } from './listener.js';
import { limitRate } from './rate-limit.js';
import { answersHead, type Route } from './route.js';
import { type StaticPage, servePages } from './static-pages.js';

/** An address that a server listens on, and the clients that it admits there. */
export interface Endpoint {
  listen: { host: string; port: number } | { socket: string };
  access: Access;
  /** Serves HTTPS; absent for HTTP. */
  tls?: SecureContextOptions | undefined;
  /** Requests a second that one client may make; absent for no limit. */
  rateLimit?: number | undefined;
  /** The uids of guests, whose processes may not connect. */
  guestUids?: readonly UidRange[] | undefined;
  /** Whether a GET on an action performs it; by default it does. */
  getActions?: boolean | undefined;
}

export interface ServerOptions<Context extends ServerContext> {
  routes: readonly Route<Context>[];
  pages: readonly StaticPage[];
  /** Passed to every handler. */
  context: Context;
  endpoint: Endpoint;
  timeouts?: Timeouts;
}

/** The status of a request whose connection has become a WebSocket. */
const HANDED_OVER = 101;

/** The methods that each path supports. */
type Methods = ReadonlyMap<string, readonly string[]>;

const methodsOf = (routes: readonly Route[], getActions: boolean): Methods => {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    if (actsOnGet(route) && !getActions) continue;
    const known = methods.get(route.path) ?? [];
    methods.set(route.path, [...known, route.method, ...(answersHead(route) ? ['HEAD'] : [])]);
  }
  return methods;
};

/** Makes a route that rejects every method which no other route of its path serves. */
const rejection = (
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

const methodNotAllowedRoutes = (methods: Methods): Hapi.ServerRoute[] =>
  [...methods].map(([path, allowed]) => rejection(path, (request) => notAllowed(request, allowed)));

/** Without this route hapi would respond to unknown paths itself and skip the checks that every request undergoes. */
const unknownPath = rejection(NO_ROUTE, ({ path }) => notFound(`${path}: no such path`), {
  auth: false,
  app: { can: 'public' },
});

/** Admits the body of an upload, whatever its length. */
const admitUpload: Check = ({ route, raw: { req, res } }) => {
  if (route.settings.app?.isUpload) beginUpload(req, res);
  return undefined;
};

/** Rejects a body that is announced too large at once; hapi would read it all first. */
const rejectLargeBody: Check = ({ headers, raw }) => {
  if (Number(headers['content-length'] ?? 0) <= MAX_BODY_BYTES) return undefined;
  if (isUploading(raw.req.socket)) return undefined;
  const error = entityTooLarge(
    `the body is too large: at most ${MAX_BODY_BYTES} bytes, got ${headers['content-length']}`,
  );
  // A client that is sending already would lose the response with the connection; Node discards the rest of its body.
  if (headers.expect !== undefined) error.output.headers.Connection = 'close';
  throw error;
};

/** HTTP/1.1 requires a Host header (RFC 9112, 3.2). */
const requireHost: Check = ({ raw: { req } }) => {
  if (req.httpVersion === '1.1' && req.headers.host === undefined)
    throw badRequest('the Host header is missing: HTTP/1.1 requires one');
  return undefined;
};

const observeRequests = ({ events }: Hapi.Server, { metrics }: ServerContext): void => {
  events.on('response', ({ method, route, response, info }) => {
    const status = isBoom(response) ? response.output.statusCode : (response?.statusCode ?? HANDED_OVER);
    const labels = { method: method.toUpperCase(), route: route.path, status };
    metrics.observeRequest(labels, Math.max(0, info.responded - info.received) / 1000);
  });
};

/** Creates the HTTP server of the given routes and pages. It does not listen before `start()`. */
export const createServer = async <Context extends ServerContext>({
  routes,
  pages,
  context,
  endpoint: { listen, access, tls, rateLimit, guestUids, getActions = true },
  timeouts = DEFAULT_TIMEOUTS,
}: ServerOptions<Context>): Promise<Hapi.Server> => {
  const debug = context.log.isLevelEnabled('debug');
  const listener = createListener(timeouts, debug, tls);
  const server = Hapi.server({
    ...('socket' in listen ? { port: listen.socket } : listen),
    listener,
    tls: tls !== undefined,
    debug: false,
    router: { stripTrailingSlash: true },
    // Compression would hold back bytes that must leave as they arrive.
    mime: {
      override: {
        'application/octet-stream': { compressible: false },
        'text/event-stream': { compressible: false },
      },
    },
    operations: { cleanStop: false },
    routes: { state: { parse: false, failAction: 'ignore' }, response: { ranges: false } },
  });
  closeConnectionsOnStop(server, timeouts.stop);
  requirePrincipals(server, access);
  const upgrades = new Upgrades(listener, CONSOLE_PROTOCOL);
  server.ext('onPreStop', () => upgrades.close());
  const methods = methodsOf(routes, getActions);
  server.route(
    routes.map((route) =>
      toHapiRoute(route, {
        context,
        timeouts,
        upgrades,
        allowed: methods.get(route.path) ?? [],
        authenticates: !('everyone' in access),
        getActions,
      }),
    ),
  );
  await servePages(server, pages);
  server.route([...methodNotAllowedRoutes(methods), unknownPath]);
  const guests = guestUids && !('socket' in listen) ? [rejectGuests(guestUids)] : [];
  server.ext(
    'onPreAuth',
    checking(admitUpload, rejectLargeBody, requireHost, ...browserGuard(access), ...guests),
  );
  if (rateLimit !== undefined) server.ext('onPostAuth', limitRate(rateLimit));
  server.ext('onPreResponse', onError(auditRefusal(context.audit), shapeError(context.log)));
  observeRequests(server, context);
  answerClientErrors(listener, timeouts, debug);
  return server;
};
