import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Reply } from '../model/endpoint.js';
import { jsonOf } from '../model/json.js';

/** Items of a list that one turn of the event loop serializes, about 60 KB of guests. */
const CHUNK = 200;

/** Serializes one chunk a turn, however many clients read lists. */
const turns = pLimit(1);

/** Yields a list's JSON in chunks, so that other requests run in between and a slow client buffers little. */
async function* chunksOf(items: readonly object[]): AsyncGenerator<string> {
  for (let start = 0; start < items.length; start += CHUNK) {
    await turns(nextTurn);
    const chunk = items
      .slice(start, start + CHUNK)
      .map(jsonOf)
      .join(',');
    const isLast = start + CHUNK >= items.length;
    yield `${start === 0 ? '[' : ','}${chunk}${isLast ? ']' : ''}`;
  }
}

/** Returns a reply's body for hapi to send: stored values as JSON text, long lists as a stream of it. */
export const bodyOf = ({ body, isStored }: Reply): object | string => {
  if (!isStored) return body as object;
  if (!Array.isArray(body)) return jsonOf(body as object);
  if (body.length > CHUNK) return Readable.from(chunksOf(body), { objectMode: false });
  return `[${body.map(jsonOf).join(',')}]`;
};
