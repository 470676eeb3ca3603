import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { contentLength } from '../http/content-length.js';
import type { Guest } from '../model/guest.js';
import { type ExportFormat, LEFT_OUT_HEADER } from '../model/guest-export.js';
import { parseTexts } from '../model/hidden-keys.js';
import type { ImportWishes } from '../model/imported-guest.js';
import { path } from './path.js';
import { type Accepted, accepted } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

export interface ExportOptions extends CallOptions {
  /** `mistify` by default. */
  format?: ExportFormat | undefined;
}

/** A guest as a file. */
export interface GuestExport extends Download {
  /** What the file lacks, in words. */
  leftOut: string[];
}

/** The disks of an OVA are converted before its first byte. */
const EXPORT_SECONDS = 6 * 60 * 60;

/** Opens the export of a virtual machine. */
export const exportGuest = async (
  transport: Transport,
  id: string,
  { format, signal }: ExportOptions,
): Promise<GuestExport> => {
  const { body, headers } = await transport.stream({
    ...{ method: 'GET', path: path`/guests/${id}/export`, query: { format }, signal },
    waitSeconds: EXPORT_SECONDS,
  });
  return {
    bytes: body,
    length: contentLength(headers),
    leftOut: parseTexts(headers[LEFT_OUT_HEADER.toLowerCase()] ?? ''),
  };
};

export interface ImportOptions extends ImportWishes, CallOptions {
  /** Bytes of the file, where that is known. */
  length?: number | undefined;
  /** Whether to start the guest once it is there. */
  start?: boolean | undefined;
  /** Seconds to wait for the job's result; 0 by default. */
  wait?: number | undefined;
}

/** Disks are checked and converted after the last byte. */
const IMPORT_SECONDS = 24 * 60 * 60;

/** Imports a virtual machine. */
export const importGuest = async (
  transport: Transport,
  bytes: Readable,
  { length, wait, signal, ...query }: ImportOptions,
): Promise<Accepted<Guest>> =>
  accepted(
    await transport.upload<Guest>({
      ...{ method: 'POST', path: '/guests/import', query: { ...query, wait }, body: bytes, signal },
      headers: {
        'Content-Type': 'application/octet-stream',
        'Idempotency-Key': randomUUID(),
        ...(length === undefined ? {} : { 'Content-Length': String(length) }),
      },
      waitSeconds: IMPORT_SECONDS,
    }),
  );
