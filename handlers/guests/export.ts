import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import { EXPORT_SUFFIXES, type ExportFormat, LEFT_OUT_HEADER } from '../../lib/model/guest-export.js';
import { formatTexts } from '../../lib/model/hidden-keys.js';
import { viewFor } from '../../lib/model/secrets.js';
import { openExport } from '../../lib/runtime/actions/export-actions.js';
import { JOB_ID_HEADER } from '../../lib/server/job-id-header.js';

export interface ExportQuery {
  format?: ExportFormat;
}

/** The name under which a browser saves the file: a guest's name may have any character. */
const fileName = ({ id, metadata }: Guest, format: ExportFormat): string => {
  const name = metadata?.name?.replace(/[^a-zA-Z0-9_.-]+/g, '-').replace(/^[.-]+/, '');
  return `${name || id}${EXPORT_SUFFIXES[format]}`;
};

/** Passes the bytes of an exported guest through as they arrive. */
export const exportGuest = async (
  { params, query, principal, signal }: Event<GuestParams, ExportQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Readable>> => {
  const found = guests.get(params.guestID);
  const guest = viewFor(principal, found).guest(found);
  const { format = 'mistify' } = query;
  const { pipelineId, result } = await openExport(runtime, guest, format, signal);
  const { bytes, length, leftOut } = result;
  return {
    status: 200,
    headers: {
      [JOB_ID_HEADER]: pipelineId,
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename="${fileName(guest, format)}"`,
      [LEFT_OUT_HEADER]: formatTexts(leftOut),
      ...(length === undefined ? {} : { 'Content-Length': String(length) }),
    },
    body: bytes,
  };
};
