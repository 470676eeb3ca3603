import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Reply } from '../model/endpoint.js';
import { jsonOf } from '../model/json.js';

/** Items of a list that are sent in one turn of the event loop: some 60 KB of guests. */
const CHUNK = 200;

/** However many clients read lists, one chunk of one of them is made in one turn. */
const turns = pLimit(1);

/** Others are served between its chunks, and no more of it is made than the client has room for. */
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

/** What hapi is to send of a reply. */
export const bodyOf = ({ body, isStored }: Reply): object | string => {
  if (!isStored) return body as object;
  if (!Array.isArray(body)) return jsonOf(body as object);
  if (body.length > CHUNK) return Readable.from(chunksOf(body), { objectMode: false });
  return `[${body.map(jsonOf).join(',')}]`;
};
