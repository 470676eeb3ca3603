import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { LogsQuery } from '../../lib/model/guest-logs.js';
import { openGuestLogs } from '../../lib/runtime/actions/log-actions.js';
import { JOB_ID_HEADER } from '../../lib/server/job-id-header.js';

/** Passes through what a guest has printed, and with `follow` what it prints from then on. */
export const readGuestLogs = async (
  { params, query, signal }: Event<GuestParams, LogsQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Readable>> => {
  const { pipelineId, result } = await openGuestLogs(runtime, guests.get(params.guestID), query, signal);
  return {
    status: 200,
    headers: { [JOB_ID_HEADER]: pipelineId, 'Content-Type': 'text/plain; charset=utf-8' },
    body: result.bytes,
  };
};
