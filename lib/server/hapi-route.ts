import type { Duplex } from 'node:stream';
import { badRequest } from '@hapi/boom';
import type {
  Lifecycle,
  ReqRefDefaults,
  Request,
  ResponseToolkit,
  RouteOptions,
  ServerRoute,
} from '@hapi/hapi';
import { requireOnGuest } from '../auth/authorize.js';
import type { Upgrades } from '../http/websocket/upgrades.js';
import { findJsonMistake, positionAt } from '../model/json-mistake.js';
import { mayEverywhere, mayOn } from '../model/rights.js';
import { audit, auditHandover, isAudited } from './audit.js';
import { principalFrom } from './auth.js';
import type { ServerContext } from './context.js';
import { notAllowed, toBoom } from './errors.js';
import { actsOnGet, rejectUnintendedAction } from './get-actions.js';
import { Handling } from './handling.js';
import type { Timeouts } from './listener.js';
import { RequestEvent } from './request-event.js';
import { respond } from './respond.js';
import { answersHead, bodySchema, isOfGuest, isUpload, isWebSocket, type Route, scopeOf } from './route.js';
import { partsValidator } from './validator.js';
import { connectClient, requireHandshake } from './web-sockets.js';
import './hapi-types.js';

/** Bounds a request's body: the JSON of one guest or one action is small. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Tells where a body is not JSON. hapi attaches the body to the error of its parser. */
const rejectBody: Lifecycle.Method = async (_request, _h, error) => {
  if (!(error && 'raw' in error && Buffer.isBuffer(error.raw))) throw error;
  const text = error.raw.toString();
  const found = await findJsonMistake(text);
  if (found === undefined) throw error;
  const { line, column } = positionAt(text, found.offset);
  throw badRequest(`the body is not JSON: line ${line}, column ${column}: ${found.mistake}`);
};

const payloadOptions = (route: Route): RouteOptions<ReqRefDefaults>['payload'] => {
  if (isUpload(route))
    return { parse: false, output: 'stream', maxBytes: Number.MAX_SAFE_INTEGER, timeout: false };
  return bodySchema(route) === undefined
    ? { parse: false, output: 'data', maxBytes: MAX_BODY_BYTES }
    : { override: 'application/json', maxBytes: MAX_BODY_BYTES, failAction: rejectBody };
};

interface Serving<Context> {
  context: Context;
  timeouts: Timeouts;
  upgrades: Upgrades;
  /** The methods that the route's path supports. */
  allowed: readonly string[];
  /** Whether clients need credentials. */
  authenticates: boolean;
  /** Whether a GET on an action performs it. */
  getActions: boolean;
}

/** @throws {AgentError} when the client has not the right for the guest of the path, now and while the connection lasts */
const requireRight = (request: Request, { can }: Route, { guests }: ServerContext): void => {
  const principal = principalFrom(request);
  if (can === 'public' || mayEverywhere(principal, can)) return;
  const { guestID } = request.params as { guestID: string };
  requireOnGuest(principal, can, guests.subject(guestID));
  request.app.mayStill = () => mayOn(principal, can, guests.subject(guestID));
};

/** Makes the function that validates a request, calls the handler and sends its reply. */
const serve = <Context extends ServerContext>(
  route: Route<Context>,
  { context, timeouts, upgrades, allowed, getActions }: Serving<Context>,
): Lifecycle.Method => {
  const validateParts = partsValidator(route);
  const rejectsHead = route.method === 'GET' && !answersHead(route);
  const acts = actsOnGet(route);
  const guardsGuest = isOfGuest(route);
  const handle = async (request: Request, h: ResponseToolkit, handling: Handling) => {
    // hapi serves HEAD on every GET route by running its handler.
    if (rejectsHead && request.method === 'head') throw notAllowed(request, allowed);
    if (acts) rejectUnintendedAction(request, getActions);
    validateParts(request, handling.unknown);
    handling.check(request);
    if (guardsGuest) requireRight(request, route, context);
    if (isWebSocket(route)) requireHandshake(request, upgrades);
    const reply = await route.handler(new RequestEvent(request, route, timeouts.stall), context);
    if (reply.guest !== undefined) request.app.guest = reply.guest;
    if (reply.status === 101) {
      connectClient(request, upgrades, reply.body as Duplex);
      auditHandover(context.audit, request, reply);
      return h.abandon;
    }
    const response = respond(reply, request, h, timeouts.stall);
    handling.addHeaders((name, value) => response.header(name, value));
    return response;
  };
  return async (request, h) => {
    const handling = new Handling(request);
    try {
      return await handle(request, h, handling);
    } catch (error) {
      const boom = toBoom(error);
      handling.addHeaders((name, value) => {
        boom.output.headers[name] = value;
      });
      throw boom;
    }
  };
};

/** Converts a route to hapi's form. */
export const toHapiRoute = <Context extends ServerContext>(
  route: Route<Context>,
  serving: Serving<Context>,
): ServerRoute => {
  const { method, path, summary, tags, can } = route;
  return {
    method,
    path,
    options: {
      description: summary,
      tags: [...tags],
      app: { can, isAudited: isAudited(route), operationId: route.operationId, isUpload: isUpload(route) },
      auth: can === 'public' || !serving.authenticates ? false : { access: { scope: [scopeOf(route)] } },
      ...(isAudited(route) ? { ext: { onPreResponse: { method: audit(serving.context.audit) } } } : {}),
      ...(method === 'GET' ? {} : { payload: payloadOptions(route) }),
    },
    handler: serve(route, serving),
  };
};
