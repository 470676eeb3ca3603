import { createHash } from 'node:crypto';
import { AgentError } from '../errors.js';
import { jsonOf } from './json.js';

const known = new WeakMap<object, string>();

/**
 * Returns the entity tag of a value, a hash of its JSON (RFC 9110, 8.8.3). Computed once per object: stored values are
 * replaced, never modified.
 */
export const etagOf = (value: object): string => {
  let etag = known.get(value);
  if (etag === undefined) {
    etag = `"${createHash('sha256').update(jsonOf(value)).digest('base64url').slice(0, 22)}"`;
    known.set(value, etag);
  }
  return etag;
};

/** Removes the content coding, which hapi appends to the tag of a compressed response. */
const withoutCoding = (etag: string): string => etag.trim().replace(/-(gzip|deflate|br)"$/, '"');

/**
 * Evaluates If-Match (RFC 9110, 13.1.1).
 * @param ifMatch entity tags separated by commas, or `*`; absent when the request has no condition
 * @throws {AgentError} `precondition_failed` when the value has changed
 */
export const requireMatch = (ifMatch: string | undefined, value: object): void => {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const etag = etagOf(value);
  if (ifMatch.split(',').some((wanted) => withoutCoding(wanted) === etag)) return;
  throw new AgentError(
    'precondition_failed',
    `it has changed since you read it: its ETag is now ${etag}, so read it again before you change it`,
  );
};
