import { Boom, boomify, isBoom, methodNotAllowed } from '@hapi/boom';
import type { Lifecycle, Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import { AgentError, type ErrorKind, Forbidden } from '../errors.js';
import type { Logger } from '../log.js';
import type { ErrorBody } from '../model/endpoint.js';
import { may } from '../model/rights.js';
import { StreamRefused } from '../rpc/client/refused.js';
import { JOB_ID_HEADER } from './job-id-header.js';
import './hapi-types.js';

const STATUS: Record<ErrorKind, number> = {
  invalid: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  past_end: 416,
  queue_full: 429,
  bad_answer: 502,
  unavailable: 503,
  timeout: 504,
  no_space: 507,
  disk_full: 507,
  storage: 500,
};

/** A refused stream passes on the sub-agent's status. */
const statusOf = (error: AgentError): number =>
  error instanceof StreamRefused ? error.status : STATUS[error.kind];

/** hapi's name for the route of a malformed path, which also catches every path that no other route serves. */
export const NO_ROUTE = '/{p*}';

/** Names the right that a client lacks (RFC 6750, 3.1). */
const challengeFor = (right: string): Record<string, string> => ({
  'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${right}"`,
});

/** Gives any error its HTTP status. An unexpected one becomes a 500, and only the log has its cause. */
export const toBoom = (error: unknown): Boom => {
  if (isBoom(error)) return error;
  if (!(error instanceof AgentError))
    return boomify(error instanceof Error ? error : new Error(String(error)));
  const boom = new Boom(error.message, { statusCode: statusOf(error) });
  if (error.stack) boom.stack = error.stack;
  if (error.retryAfter !== undefined) boom.output.headers['Retry-After'] = String(error.retryAfter);
  if (error instanceof Forbidden) Object.assign(boom.output.headers, challengeFor(error.missing));
  if (error instanceof StreamRefused && error.pipelineId !== undefined)
    boom.output.headers[JOB_ID_HEADER] = error.pipelineId;
  // Boom hides the messages of 5xx errors; ours name the part that failed and are meant for the client.
  boom.output.payload.message = error.message;
  return boom;
};

/** @param debug whether to include the stack */
export const errorBody = (boom: Boom, debug: boolean): ErrorBody => ({
  message: boom.output.payload.message,
  code: boom.output.statusCode,
  stack: debug ? (boom.stack ?? '').split('\n').map((line) => line.trim()) : [],
});

/** @param allowed the methods that the path supports */
export const notAllowed = (
  { method, path }: { method: string; path: string },
  allowed: readonly string[],
): Boom =>
  methodNotAllowed(`${path} does not support ${method.toUpperCase()}: use ${allowed.join(', ')}`, undefined, [
    ...allowed,
  ]);

/** Whether hapi rejected the client's rights: it attaches what the route needs. */
const lacksRight = ({ output, data }: Boom<{ need?: unknown } | null>): boolean =>
  output.statusCode === 403 && data?.need !== undefined;

/** Says which right a client lacks whom hapi rejected. */
const nameRight = ({ output }: Boom, { route, auth }: Request): void => {
  const { can } = route.settings.app ?? {};
  if (can === undefined || can === 'public') return;
  output.payload.message = may(auth.credentials?.principal, can)
    ? `this needs the right "${can}" for all guests, and yours is for some`
    : `you lack the right "${can}"`;
  Object.assign(output.headers, challengeFor(can));
};

/** Sends an error, hapi's own included, in the contract's shape, and logs an unexpected one. */
export const shapeError = (log: Logger) => {
  const debug = log.isLevelEnabled('debug');
  return (request: Request, error: Boom, h: ResponseToolkit): ResponseObject => {
    const { method, path, route } = request;
    const { statusCode, headers, payload } = error.output;
    if (lacksRight(error)) nameRight(error, request);
    if (route.path === NO_ROUTE && payload.message === payload.error)
      payload.message = `${path}: malformed path`;
    if (statusCode === 500) log.error({ err: error, method, path }, 'unexpected error');
    const shaped = h.response(errorBody(error, debug)).code(statusCode);
    for (const [name, value] of Object.entries(headers)) shaped.header(name, String(value));
    return shaped;
  };
};

/** Combines what happens to an error into one hapi extension, because each extension slows down every request. */
export const onError =
  (
    note: (request: Request, error: Boom) => void,
    shape: (request: Request, error: Boom, h: ResponseToolkit) => ResponseObject,
  ): Lifecycle.Method =>
  (request, h) => {
    const { response } = request;
    if (!isBoom(response)) return h.continue;
    note(request, response);
    return shape(request, response, h);
  };
