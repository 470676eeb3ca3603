import type { Readable } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, Reply } from '../../../lib/model/endpoint.js';
import { openSnapshot } from '../../../lib/runtime/actions/snapshot-actions.js';
import { JOB_ID_HEADER } from '../../../lib/server/job-id-header.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

/** Passes a snapshot's bytes through as they arrive. */
export const downloadSnapshot = async (
  { params, signal }: Event<SnapshotParams>,
  context: Context,
): Promise<Reply<Readable>> => {
  const selector = selectSnapshots(params, context);
  const { pipelineId, result } = await openSnapshot(context.runtime, selector, signal);
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
