import { actsOnGet } from '../../lib/server/get-actions.js';
import { changesSomething, isWebSocket, type Route, sendsDisk } from '../../lib/server/route.js';

/** One line for each status that docs/api.md explains. */
const DESCRIPTIONS = {
  400: 'Malformed or invalid input; the message names the key',
  403: 'Not sent on purpose, but by a prefetch, a link or a page of another site',
  404: 'Unknown guest, image, job or snapshot, or an action that is not configured',
  405: 'The config closes GET on actions (server.get_actions is false)',
  409: 'Not possible in the current state, or an idempotency key of another request',
  412: 'Changed since the ETag in If-Match',
  413: 'The body is too large',
  416: 'Nothing is left to send from there on: the download is complete',
  426: 'The request is not a WebSocket handshake',
  429: 'Too many requests or queued actions; retry after Retry-After seconds',
  502: 'A sub-agent failed or sent an invalid response',
  503: 'A sub-agent is down, or the agent is stopping; retry after Retry-After seconds',
  504: 'A sub-agent did not respond in time',
  507: "The disk of the agent's state or of the storage is full; nothing was changed, unless the message says otherwise",
} as const;

export type ErrorStatus = keyof typeof DESCRIPTIONS;

/** Lists the error statuses of a route with their meanings. */
export const errorsOf = (route: Route): [ErrorStatus, string][] => {
  const takes = (part: unknown, ...statuses: ErrorStatus[]): ErrorStatus[] => (part ? statuses : []);
  const statuses = new Set<ErrorStatus>([
    // Any request may have keys that its endpoint does not know: see `Handling`.
    400,
    ...takes(route.params, 404),
    ...takes(actsOnGet(route), 403, 405),
    ...takes(changesSomething(route), 409, 503, 507),
    ...takes(isWebSocket(route), 409, 426),
    ...takes(sendsDisk(route), 416),
    ...takes(route.conditional, 412),
    ...takes(route.payload && route.payload !== 'ignored', 413),
    ...takes(route.reply.status === 202 || route.callsSubAgent, 404, 409, 429, 502, 503, 504),
  ]);
  return [...statuses].sort().map((status) => [status, DESCRIPTIONS[status]]);
};
