import type { IncomingHttpHeaders } from 'node:http';
import Joi from 'joi';
import { DISK_FORMATS, type DiskFormat } from '../../model/disk-formats.js';

/** How a request wants the content of a disk. */
export interface DiskWish {
  /** `raw` when absent; of an image, the file as it is stored. */
  format?: DiskFormat | undefined;
  /** The first byte to send of a format whose bytes are always the same; 0 when absent. */
  from?: number | undefined;
  /** The tag that the content must have for `from` to count: otherwise all bytes are sent. */
  ifRange?: string | undefined;
}

/** What the bytes of a stream are, as far as the sub-agent says so. */
export interface DiskPart {
  format: DiskFormat;
  /** The first byte that is sent. */
  from: number;
  /** Identifies these bytes; absent in a format that may come out otherwise the next time. */
  etag?: string | undefined;
}

export const diskWishKeys = {
  format: Joi.string().valid(...DISK_FORMATS),
  from: Joi.number().integer().min(0),
  ifRange: Joi.string(),
};

const FORMAT_HEADER = 'x-disk-format';
const FROM_HEADER = 'x-disk-from';

/** Formats what a sub-agent says of a stream as headers of its response. */
export const headersOfPart = ({ format, from, etag }: DiskPart): Record<string, string> => ({
  [FORMAT_HEADER]: format,
  [FROM_HEADER]: String(from),
  ...(etag === undefined ? {} : { etag }),
});

/** Reads what a sub-agent says of a stream; `undefined` for one that knows no formats. */
export const partIn = (headers: IncomingHttpHeaders): DiskPart | undefined => {
  const format = DISK_FORMATS.find((name) => name === headers[FORMAT_HEADER]);
  const from = Number(headers[FROM_HEADER]);
  if (format === undefined || !Number.isSafeInteger(from)) return undefined;
  return { format, from, ...(headers.etag === undefined ? {} : { etag: headers.etag }) };
};
