import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as snapshots from '../../../lib/runtime/snapshot-actions.js';
import { JOB_ID_HEADER } from '../../replies.js';
import type { Context, ErrorBody, Event, Reply } from '../../types.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

/** What a sub-agent that gives no bytes says instead, in the words of every error. */
const refusal = async (status: number, body: Readable): Promise<ErrorBody> => {
  if (status < 400 || status > 599) {
    body.destroy();
    const message = `the sub-agent answered the download with status ${status}, which is neither bytes nor an error`;
    return { message, code: 502, stack: [] };
  }
  const words = (await text(body)).trim();
  return {
    message: words || `the sub-agent refused the download with status ${status}`,
    code: status,
    stack: [],
  };
};

const describe = (length: number | undefined): Record<string, string> => ({
  'Content-Type': 'application/octet-stream',
  ...(length === undefined ? {} : { 'Content-Length': String(length) }),
});

/** Passes the snapshot's bytes through as they arrive; of a sub-agent's refusal, its status and its words. */
export const downloadSnapshot = async (
  { params, signal }: Event<SnapshotParams>,
  context: Context,
): Promise<Reply<Readable | ErrorBody>> => {
  const selector = selectSnapshots(params, context);
  const { pipelineId, answer } = await snapshots.downloadSnapshot(context.runtime, selector, signal);
  const { status, bytes, length } = answer;
  const headers = { [JOB_ID_HEADER]: pipelineId };
  if (status === 200) return { status, headers: { ...headers, ...describe(length) }, body: bytes };
  const refused = await refusal(status, bytes);
  return { status: refused.code, headers, body: refused };
};
