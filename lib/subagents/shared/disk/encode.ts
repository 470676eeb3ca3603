import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { firstBytes } from '../../../async/first-bytes.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { DiskWish } from '../../../rpc/protocol/disk-download.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { packZstd } from '../download/compression.js';
import type { DataMap } from './data-map.js';
import { qcow2Stream } from './qcow2-stream.js';

type Bytes = AsyncIterable<Buffer>;

/** The content of a disk, which does not change. */
export interface DiskContent {
  /** What makes it the one that it is, such as the names of its disk and snapshot. */
  identity: readonly unknown[];
  /** Finds out which parts of it have data. */
  map: () => Promise<DataMap>;
  /** Opens its raw bytes, and says how many there are. */
  read: () => Promise<{ bytes: Readable; length: number }>;
}

/** Changes when the bytes of a format do. */
const LAYOUT_VERSION = 1;

/** Returns the entity tag of a content in a format. */
export const tagOf = (identity: readonly unknown[], format: string): string =>
  `"${createHash('sha256')
    .update(JSON.stringify([LAYOUT_VERSION, format, ...identity]))
    .digest('hex')
    .slice(0, 32)}"`;

/** Returns the first byte to send: 0 when the client has a part of another content. */
export const firstByteOf = ({ from = 0, ifRange }: DiskWish, etag: string): number =>
  ifRange === undefined || ifRange === etag ? from : 0;

/** @throws {Refusal} `past_end` when nothing is left to send, as to a client that has all bytes already */
export const requireWithin = (from: number, size: number): void => {
  if (from > 0 && from >= size)
    throw new Refusal(
      'past_end',
      `the download has ${size} bytes, and none from byte ${from} on: it is complete, or begin before its end`,
    );
};

async function* skip(bytes: Bytes, count: number): AsyncGenerator<Buffer, void, undefined> {
  let left = count;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** Closes a source, and waits until what it was read from is closed, too, such as a temporary clone of a snapshot. */
const close = async (source: Readable): Promise<void> => {
  source.destroy();
  await finished(source).catch(() => undefined);
};

async function* closing(source: Readable, bytes: Bytes): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* bytes;
  } finally {
    await close(source);
  }
}

/** Makes a stream of bytes that are made of a source. The source is closed before the stream ends. */
const streamOf = (bytes: Bytes, source: Readable): Readable =>
  Readable.from(closing(source, bytes), { objectMode: false, highWaterMark: STREAM_BUFFER_BYTES });

const asRaw = async (content: DiskContent, wish: DiskWish): Promise<ByteStream> => {
  const etag = tagOf(content.identity, 'raw');
  const from = firstByteOf(wish, etag);
  const { bytes, length } = await content.read();
  const part = { format: 'raw', from, etag } as const;
  if (from === 0) return { bytes, length, part };
  if (from >= length) await close(bytes);
  requireWithin(from, length);
  return { bytes: await firstBytes(streamOf(skip(bytes, from), bytes)), length: length - from, part };
};

const asQcow2 = async (content: DiskContent, wish: DiskWish): Promise<ByteStream> => {
  const etag = tagOf(content.identity, 'qcow2');
  const from = firstByteOf(wish, etag);
  const map = await content.map();
  const source = await content.read();
  const { size, bytes } = qcow2Stream(map, () => source.bytes);
  if (from >= size) await close(source.bytes);
  requireWithin(from, size);
  const stream = streamOf(from === 0 ? bytes : skip(bytes, from), source.bytes);
  return { bytes: await firstBytes(stream), length: size - from, part: { format: 'qcow2', from, etag } };
};

const asZstd = async ({ read }: DiskContent): Promise<ByteStream> => {
  const { bytes } = await read();
  const stream = streamOf(packZstd()(bytes), bytes);
  return { bytes: await firstBytes(stream), part: { format: 'zstd', from: 0 } };
};

/**
 * Streams the content of a disk in the format that a request wants.
 * @throws {Refusal} `invalid` when the first byte that it wants is beyond the end
 */
export const encodeDisk = (content: DiskContent, wish: DiskWish): Promise<ByteStream> => {
  if (wish.format === 'qcow2') return asQcow2(content, wish);
  return wish.format === 'zstd' ? asZstd(content) : asRaw(content, wish);
};
