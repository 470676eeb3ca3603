import { getSystemErrorMap } from 'node:util';
import type { SocketBytes } from './bytes.js';
import * as wire from './wire.js';

/** A part of a disk, in bytes, with the flags that a meta context has for it. */
export interface Extent {
  offset: number;
  length: number;
  flags: number;
}

/** A request that waits for its reply, which fills it. */
export interface Pending {
  offset: number;
  /** The bytes that a read waits for; 0 for other requests. */
  bytes: number;
  /** What has been read. */
  content: Buffer | undefined;
  /** The extents of a block status, by the id of their context. */
  extents: Map<number, Extent[]>;
  /** Why the server has refused the request. */
  failure: Error | undefined;
}

/** Reads the extents of one context, which follow each other from the request's offset on. */
const readExtents = ({ offset, extents }: Pending, data: Buffer): void => {
  const list: Extent[] = [];
  let start = offset;
  for (let at = 4; at + 8 <= data.length; at += 8) {
    const length = data.readUInt32BE(at);
    list.push({ offset: start, length, flags: data.readUInt32BE(at + 4) });
    start += length;
  }
  extents.set(data.readUInt32BE(0), list);
};

/** Takes a part of the bytes of a read. Servers send most reads in one piece, which is not copied. */
const takeData = (pending: Pending, start: number, data: Buffer): void => {
  if (data.length === pending.bytes) pending.content = data;
  else {
    pending.content ??= Buffer.alloc(pending.bytes);
    pending.content.set(data, start);
  }
};

/**
 * Describes a failed request. NBD's numbers are those of Linux, and `code` is their name, such as `ENOSPC`: a full disk is
 * known by it.
 */
const failureOf = (number: number, words = ''): Error => {
  const [code, meaning] = getSystemErrorMap().get(-number) ?? [];
  return Object.assign(new Error(words || meaning || `error ${number}`), { code });
};

const takeChunk = (pending: Pending, type: number, data: Buffer): void => {
  const start = (): number => Number(data.readBigUInt64BE(0)) - pending.offset;
  if (type >= wire.FIRST_CHUNK_ERROR)
    pending.failure = failureOf(data.readUInt32BE(0), data.toString('utf8', 6, 6 + data.readUInt16BE(4)));
  else if (type === wire.CHUNK.data) takeData(pending, start(), data.subarray(8));
  else if (type === wire.CHUNK.blockStatus) readExtents(pending, data);
};

/**
 * Reads the next reply, or a chunk of one.
 * @param find returns the request with that handle
 * @returns the handle of a request whose reply is complete; `undefined` when more chunks follow
 */
export const readReply = async (
  bytes: SocketBytes,
  find: (handle: number) => Pending,
): Promise<number | undefined> => {
  const head = await bytes.read(16);
  const magic = head.readUInt32BE(0);
  const handle = Number(head.readBigUInt64BE(8));
  const pending = find(handle);
  if (magic === wire.SIMPLE_REPLY_MAGIC) {
    const error = head.readUInt32BE(4);
    if (error !== 0) pending.failure = failureOf(error);
    else if (pending.bytes > 0) pending.content = await bytes.read(pending.bytes);
    return handle;
  }
  if (magic !== wire.STRUCTURED_REPLY_MAGIC) throw new Error('the server sent a malformed reply');
  const data = await bytes.read((await bytes.read(4)).readUInt32BE(0));
  takeChunk(pending, head.readUInt16BE(6), data);
  return head.readUInt16BE(4) & wire.CHUNK_DONE ? handle : undefined;
};
