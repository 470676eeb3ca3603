import { createHash } from 'node:crypto';
import { AgentError } from '../errors.js';
import { jsonOf } from './json.js';

const known = new WeakMap<object, string>();

/**
 * The entity tag of a value, by its content (RFC 9110, 8.8.3). It is worked out once per object: stored values are
 * replaced, never changed.
 */
export const etagOf = (value: object): string => {
  let etag = known.get(value);
  if (etag === undefined) {
    etag = `"${createHash('sha256').update(jsonOf(value)).digest('base64url').slice(0, 22)}"`;
    known.set(value, etag);
  }
  return etag;
};

/** Of an answer that was compressed, the tag may come back with the coding at its end. */
const withoutCoding = (etag: string): string => etag.trim().replace(/-(gzip|deflate|br)"$/, '"');

/**
 * Holds a change to what its client has seen (If-Match: RFC 9110, 13.1.1).
 * @param ifMatch entity tags between commas, or `*`; absent when the client does not care
 * @throws {AgentError} `precondition_failed` when the value is another by now
 */
export const requireMatch = (ifMatch: string | undefined, value: object): void => {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const etag = etagOf(value);
  if (ifMatch.split(',').some((wanted) => withoutCoding(wanted) === etag)) return;
  throw new AgentError(
    'precondition_failed',
    `it was changed meanwhile: its ETag is ${etag} now, so read it again before you change it`,
  );
};
