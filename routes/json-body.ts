import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Reply } from '../handlers/types.js';
import { jsonOf } from '../lib/model/json.js';

/** Items of a list that are sent in one turn of the event loop: some 30 KB of guests. */
const CHUNK = 100;

/** Others are served between its chunks, and no more of it is made than the client has room for. */
async function* chunksOf(items: readonly object[]): AsyncGenerator<string> {
  for (let start = 0; start < items.length; start += CHUNK) {
    const chunk = items
      .slice(start, start + CHUNK)
      .map(jsonOf)
      .join(',');
    const isLast = start + CHUNK >= items.length;
    yield `${start === 0 ? '[' : ','}${chunk}${isLast ? ']' : ''}`;
    await nextTurn();
  }
}

/** What hapi is to send of a reply. */
export const bodyOf = ({ body, isStored }: Reply): object | string => {
  if (!isStored) return body as object;
  if (!Array.isArray(body)) return jsonOf(body as object);
  if (body.length > 2 * CHUNK) return Readable.from(chunksOf(body), { objectMode: false });
  return `[${body.map(jsonOf).join(',')}]`;
};
