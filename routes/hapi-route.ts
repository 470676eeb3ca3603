import { Readable } from 'node:stream';
import type {
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
import { principalOf } from './auth.js';
import { conditionsOf } from './conditions.js';
import { toBoom } from './errors.js';
import type { Patience } from './listener.js';
import { type Route, scopeOf } from './route.js';

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

/** A route as hapi knows it: validates, calls the handler, and sends what it answers. */
export const toHapiRoute = (definition: Route, context: Context, { stall }: Patience): ServerRoute => {
  const { method, path, summary, tags, params, query, payload, handler } = definition;
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
    handler: async (request, h) => {
      try {
        const reply = await handler(toEvent(request, definition), context);
        const { res } = request.raw;
        if (reply.body instanceof Readable) res.setTimeout(stall, () => res.destroy());
        return respond(reply, request, h);
      } catch (error) {
        throw toBoom(error);
      }
    },
  };
};
