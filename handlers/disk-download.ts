import type { Readable } from 'node:stream';
import { invalid } from '../lib/errors.js';
import type { DiskFormat } from '../lib/model/disk-formats.js';
import type { Event, Reply } from '../lib/model/endpoint.js';
import type { ByteStream } from '../lib/rpc/protocol/byte-stream.js';
import type { DiskPart, DiskWish } from '../lib/rpc/protocol/disk-download.js';
import type { ActionResult } from '../lib/runtime/runtime.js';
import { downloaded } from './replies.js';

export interface DiskDownloadQuery {
  format?: DiskFormat;
}

/** Reads a Range header that asks for the rest of the file; any other gets the whole file, as RFC 9110 permits. */
const startOf = (range = ''): number => Number(/^bytes=(\d{1,15})-$/.exec(range)?.[1] ?? 0);

/** Returns how a request wants the content of a disk. */
export const diskWish = ({
  query: { format },
  range,
  ifRange,
}: Pick<Event<unknown, DiskDownloadQuery>, 'query' | 'range' | 'ifRange'>): DiskWish => {
  const from = format === 'zstd' ? 0 : startOf(range);
  return {
    ...(format === undefined ? {} : { format }),
    ...(from === 0 ? {} : { from, ...(ifRange === undefined ? {} : { ifRange }) }),
  };
};

const typeOf = ({ format }: DiskPart): string =>
  format === 'zstd' ? 'application/zstd' : 'application/octet-stream';

/**
 * Passes the content of a disk through to the client as it arrives.
 * @param usual the format of a sub-agent that knows no others
 * @throws {AgentError} `invalid` when the sub-agent sends another format than the one that the client wants
 */
export const diskDownloaded = (
  opened: ActionResult<ByteStream>,
  { format }: DiskWish,
  usual?: DiskFormat,
): Reply<Readable> => {
  const { bytes, length, part } = opened.result;
  if (format !== undefined && format !== (part?.format ?? usual)) {
    bytes.destroy();
    throw invalid(`the sub-agent that stores it does not send the format ${format}: leave "format" out`);
  }
  const reply = downloaded(opened);
  if (!part) return reply;
  const headers = {
    ...reply.headers,
    'Content-Type': typeOf(part),
    ...(part.etag === undefined
      ? { 'Accept-Ranges': 'none' }
      : { 'Accept-Ranges': 'bytes', ETag: part.etag }),
  };
  if (part.from === 0 || length === undefined) return { ...reply, headers };
  const total = part.from + length;
  return {
    ...reply,
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${part.from}-${total - 1}/${total}` },
  };
};
