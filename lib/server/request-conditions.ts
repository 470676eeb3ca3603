import { createHash } from 'node:crypto';
import type { Request } from '@hapi/hapi';
import { stringify } from 'safe-stable-stringify';
import { invalid } from '../errors.js';
import type { Event } from '../model/endpoint.js';
import { principalFrom } from './auth.js';
import { isUpload, type Route, takesKey } from './route.js';

const header = ({ headers }: Request, name: string): string | undefined =>
  headers[name] as string | undefined;

/** Formats a query, without the time that the client waits for the job, which does not make it another request. */
const queryText = ({ wait: _, ...query }: Record<string, unknown>): string =>
  Object.keys(query).length === 0 ? '' : `?${stringify(query)}`;

/** Hashes a request's method, path, query and body, of an upload its length; the order of the keys does not matter. */
const fingerprint = ({ method, path, query, payload, headers }: Request, route: Route): string => {
  // The bytes of an upload have not arrived yet; their number is all that is known of them.
  const upload = isUpload(route) ? { length: headers['content-length'] ?? '' } : undefined;
  const body = upload ?? (route.payload === 'ignored' ? null : payload);
  return createHash('sha256')
    .update(`${method} ${path}${queryText(query)} ${stringify(body)}`)
    .digest('base64url');
};

const idempotencyOf = (request: Request, route: Route): Event['idempotency'] => {
  const key = header(request, 'idempotency-key');
  if (key === undefined || !takesKey(route)) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalid(
      'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces: use a UUID, for example',
    );
  // Keys are per client, so that two clients may choose the same one.
  const owner = principalFrom(request)?.name ?? '';
  return { key: `${owner} ${key}`, fingerprint: fingerprint(request, route) };
};

const lastEventIdOf = (request: Request, { resumable }: Route): number | undefined => {
  const id = header(request, 'last-event-id');
  // A client that has seen no event yet may send an empty header.
  if (!resumable || !id) return undefined;
  if (!/^\d{1,16}$/.test(id))
    throw invalid(`Last-Event-ID must be the id of an event, a whole number, got "${id}"`);
  return Number(id);
};

/** Reads the headers that make a request conditional, repeatable or resumable. */
export const conditionsOf = (
  request: Request,
  route: Route,
): Pick<Event, 'idempotency' | 'ifMatch' | 'lastEventId'> => ({
  idempotency: idempotencyOf(request, route),
  ifMatch: header(request, 'if-match'),
  lastEventId: lastEventIdOf(request, route),
});
