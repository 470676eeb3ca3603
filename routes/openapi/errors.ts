import { changesSomething, isWebSocket, type Route } from '../../lib/server/route.js';

/** Those of docs/api.md, in a line each. */
const DESCRIPTIONS = {
  400: 'Malformed or invalid input; the message names the key',
  404: 'There is no such guest, image, job or snapshot, or the action is not configured',
  409: 'At odds with the state of things, or an idempotency key of another request',
  412: 'It is no longer what If-Match says',
  413: 'The body is too large',
  426: 'It is a WebSocket, and that was not asked for',
  429: 'Too much waits already; try again after Retry-After seconds',
  502: 'A sub-agent answered nonsense, or an error of its own',
  503: 'A sub-agent is down, or the agent is stopping; try again after Retry-After seconds',
  504: 'A sub-agent did not answer in time',
  507: 'The disk of the state is full; nothing was changed, unless the message says otherwise',
} as const;

export type ErrorStatus = keyof typeof DESCRIPTIONS;

/** The errors that a route is known to answer, with what they mean. */
export const errorsOf = (route: Route): [ErrorStatus, string][] => {
  const takes = (part: unknown, ...statuses: ErrorStatus[]): ErrorStatus[] => (part ? statuses : []);
  const statuses = new Set<ErrorStatus>([
    ...takes(route.params ?? route.query ?? route.payload, 400),
    ...takes(route.params, 404),
    ...takes(changesSomething(route), 409, 503, 507),
    ...takes(isWebSocket(route), 409, 426),
    ...takes(route.conditional, 412),
    ...takes(route.payload && route.payload !== 'ignored', 413),
    ...takes(route.reply.status === 202 || route.asks === 'sub-agent', 404, 429, 502, 503, 504),
  ]);
  return [...statuses].sort().map((status) => [status, DESCRIPTIONS[status]]);
};
