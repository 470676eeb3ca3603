import type { DiskFormat } from '../model/disk-formats.js';
import type { CallOptions, Download, Transport } from './transport.js';

/** How to download the content of a disk. */
export interface DiskDownloadOptions extends CallOptions {
  /** By default `raw`; of an image, its file as it is stored. */
  format?: DiskFormat | undefined;
  /** What is already there. If the content is still the same, only the bytes after it are downloaded. */
  after?: { bytes: number; etag: string } | undefined;
}

/** Opens the content of a disk. */
export const downloadDisk = (
  transport: Transport,
  path: string,
  { format, after, signal }: DiskDownloadOptions = {},
): Promise<Download> =>
  transport.download({
    ...{ method: 'GET', path, signal },
    query: { format },
    ...(after ? { headers: { Range: `bytes=${after.bytes}-`, 'If-Range': after.etag } } : {}),
  });
