import { type Duplex, Readable } from 'node:stream';
import type {
  Lifecycle,
  ReqRefDefaults,
  Request,
  ResponseObject,
  ResponseToolkit,
  RouteOptions,
  ServerRoute,
} from '@hapi/hapi';
import Joi from 'joi';
import type { Context, Event, Reply } from '../handlers/types.js';
import { disconnectSignal } from '../lib/disconnect-signal.js';
import type { Upgrades } from '../lib/websocket/upgrades.js';
import { auditHandover } from './audit.js';
import { principalOf, whenRevoked } from './auth.js';
import { conditionsOf } from './conditions.js';
import { toBoom } from './errors.js';
import type { Patience } from './listener.js';
import { isWebSocket, type Route, scopeOf } from './route.js';
import { connectClient, requireHandshake } from './web-sockets.js';

/** A body of JSON for one guest or one action is small. */
export const MAX_BODY_BYTES = 1024 * 1024;

const none = Joi.object({});

const payloadOptions = ({ payload }: Route): RouteOptions<ReqRefDefaults>['payload'] =>
  payload === undefined || payload === 'ignored'
    ? { parse: false, output: 'data', maxBytes: MAX_BODY_BYTES }
    : { override: 'application/json', maxBytes: MAX_BODY_BYTES };

const toEvent = (request: Request, route: Route): Event => ({
  ...conditionsOf(request, route),
  params: request.params,
  query: request.query,
  payload: request.payload,
  principal: principalOf(request),
  // Most handlers never ask for it.
  get signal() {
    return disconnectSignal(request);
  },
});

/** The next page of a list, as RFC 8288 has it. */
const linkToNext = ({ url }: Request, cursor: string): string => {
  const query = new URLSearchParams(url.searchParams);
  query.set('cursor', cursor);
  return `<${url.pathname}?${query}>; rel="next"`;
};

const respond = (
  { status, headers, body, next }: Reply,
  request: Request,
  h: ResponseToolkit,
): ResponseObject => {
  const response = h.response(body as object).code(status);
  if (next !== undefined) response.header('Link', linkToNext(request, next));
  for (const [name, value] of Object.entries(headers ?? {})) response.header(name, value);
  return response;
};

interface Serving {
  context: Context;
  patience: Patience;
  upgrades: Upgrades;
}

/** Calls the handler, and sends what it answers. */
const serve =
  (definition: Route, { context, patience, upgrades }: Serving): Lifecycle.Method =>
  async (request, h) => {
    try {
      if (isWebSocket(definition)) requireHandshake(request, upgrades);
      const reply = await definition.handler(toEvent(request, definition), context);
      if (reply.status === 101) {
        connectClient(request, upgrades, reply.body as Duplex);
        auditHandover(context, request, reply);
        return h.abandon;
      }
      const { res } = request.raw;
      if (reply.body instanceof Readable) {
        res.setTimeout(patience.stall, () => res.destroy());
        res.once(
          'close',
          whenRevoked(request, () => res.destroy()),
        );
      }
      return respond(reply, request, h);
    } catch (error) {
      throw toBoom(error);
    }
  };

/** A route as hapi knows it: validates, calls the handler, and sends what it answers. */
export const toHapiRoute = (definition: Route, serving: Serving): ServerRoute => {
  const { method, path, summary, tags, params, query, payload } = definition;
  const scope = scopeOf(definition);
  const takesBody = method !== 'GET';
  return {
    method,
    path,
    options: {
      description: summary,
      tags: [...tags],
      auth: scope === 'public' ? false : { access: { scope: [scope] } },
      ...(takesBody ? { payload: payloadOptions(definition) } : {}),
      validate: {
        ...(params ? { params } : {}),
        query: query ?? none,
        ...(payload && payload !== 'ignored' ? { payload } : {}),
        options: { abortEarly: false, stripUnknown: true },
        failAction: (_request, _h, error) => {
          throw error;
        },
      },
    },
    handler: serve(definition, serving),
  };
};
