import type { Readable } from 'node:stream';
import type { Context, ErrorBody, Event, Reply } from '../../../lib/model/endpoint.js';
import * as snapshots from '../../../lib/runtime/actions/snapshot-actions.js';
import { JOB_ID_HEADER } from '../../replies.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

/** How long a sub-agent may take for its words, in milliseconds, and how much of them is told. */
const WORDS_MS = 5000;
const MAX_CHARACTERS = 1000;

/** What came of a text until it ended, broke off, or took too long. */
const wordsOf = async (body: Readable): Promise<string> => {
  let words = '';
  const timer = setTimeout(() => body.destroy(), WORDS_MS);
  try {
    for await (const chunk of body.setEncoding('utf8')) {
      words += chunk;
      if (words.length > MAX_CHARACTERS) break;
    }
  } catch {
    // What it has said until then is better than nothing.
  } finally {
    clearTimeout(timer);
  }
  return words.slice(0, MAX_CHARACTERS).trim();
};

/** What a sub-agent that gives no bytes says instead, in the words of every error. */
const refusal = async (status: number, body: Readable): Promise<ErrorBody> => {
  if (status < 400 || status > 599) {
    body.destroy();
    const message = `the sub-agent answered the download with status ${status}, which is neither bytes nor an error`;
    return { message, code: 502, stack: [] };
  }
  const words = await wordsOf(body);
  return {
    message: words || `the sub-agent refused the download with status ${status}`,
    code: status,
    stack: [],
  };
};

const headersOf = (length: number | undefined): Record<string, string> => ({
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
  if (status === 200) return { status, headers: { ...headers, ...headersOf(length) }, body: bytes };
  const refused = await refusal(status, bytes);
  return { status: refused.code, headers, body: refused };
};
