import { contentLength } from '../http/content-length.js';
import { type ExportFormat, LEFT_OUT_HEADER } from '../model/guest-export.js';
import { parseTexts } from '../model/hidden-keys.js';
import { path } from './path.js';
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
