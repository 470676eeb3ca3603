import type { Readable } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, Reply } from '../../../lib/model/endpoint.js';
import { openSnapshot } from '../../../lib/runtime/actions/snapshot-actions.js';
import { downloaded } from '../../replies.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

/** Passes a snapshot's bytes through as they arrive. */
export const downloadSnapshot = async (
  { params, signal }: Event<SnapshotParams>,
  context: Context,
): Promise<Reply<Readable>> => {
  const selector = selectSnapshots(params, context);
  return downloaded(await openSnapshot(context.runtime, selector, signal));
};
