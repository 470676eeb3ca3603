import type { Readable } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { FilePosition } from '../../../lib/model/in-guest.js';
import { openGuestFile } from '../../../lib/runtime/actions/in-guest-actions.js';
import { JOB_ID_HEADER } from '../../../lib/server/job-id-header.js';

/** Passes the bytes of a file in a guest through as they arrive. */
export const readGuestFile = async (
  { params, query, signal }: Event<GuestParams, Pick<FilePosition, 'path'>>,
  { guests, runtime }: Context,
): Promise<Reply<Readable>> => {
  const guest = guests.get(params.guestID);
  const { pipelineId, result } = await openGuestFile(runtime, guest, query.path, signal);
  const { bytes, length } = result;
  return {
    status: 200,
    headers: {
      [JOB_ID_HEADER]: pipelineId,
      'Content-Type': 'application/octet-stream',
      ...(length === undefined ? {} : { 'Content-Length': String(length) }),
    },
    body: bytes,
  };
};
