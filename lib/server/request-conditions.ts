import { createHash } from 'node:crypto';
import type { Request } from '@hapi/hapi';
import { stringify } from 'safe-stable-stringify';
import { invalid } from '../errors.js';
import type { Event } from '../model/endpoint.js';
import { principalOf } from './auth.js';
import type { Route } from './route.js';

const header = ({ headers }: Request, name: string): string | undefined =>
  headers[name] as string | undefined;

/** What a request asks for, however its body is written. */
const fingerprint = ({ method, path, payload }: Request, route: Route): string => {
  const body = route.payload === 'ignored' ? null : payload;
  return createHash('sha256')
    .update(`${method} ${path} ${stringify(body)}`)
    .digest('base64url');
};

const idempotencyOf = (request: Request, route: Route): Event['idempotency'] => {
  const key = header(request, 'idempotency-key');
  if (key === undefined || route.method !== 'POST') return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalid('Idempotency-Key: give 1 to 255 printable ASCII characters without spaces, such as a UUID');
  // One client's keys are nothing to another's.
  const owner = principalOf(request)?.name ?? '';
  return { key: `${owner} ${key}`, fingerprint: fingerprint(request, route) };
};

const lastEventIdOf = (request: Request, { resumable }: Route): number | undefined => {
  const id = header(request, 'last-event-id');
  // A client that has seen none yet may send an empty one.
  if (!resumable || !id) return undefined;
  if (!/^\d{1,16}$/.test(id)) throw invalid('Last-Event-ID: give the id of an event');
  return Number(id);
};

/** On what conditions a request is to be carried out, as its headers say. */
export const conditionsOf = (
  request: Request,
  route: Route,
): Pick<Event, 'idempotency' | 'ifMatch' | 'lastEventId'> => ({
  idempotency: idempotencyOf(request, route),
  ifMatch: header(request, 'if-match'),
  lastEventId: lastEventIdOf(request, route),
});
