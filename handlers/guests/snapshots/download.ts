import type { Readable } from 'node:stream';
import type { Context } from '../../../lib/agent/context.js';
import type { Event, Reply } from '../../../lib/model/endpoint.js';
import { openSnapshot } from '../../../lib/runtime/actions/snapshot-actions.js';
import { type DiskDownloadQuery, diskDownloaded, diskWish } from '../../disk-download.js';
import { type SnapshotParams, selectSnapshots } from './selector.js';

/** Passes a snapshot's content through as it arrives. */
export const downloadSnapshot = async (
  event: Event<SnapshotParams, DiskDownloadQuery>,
  context: Context,
): Promise<Reply<Readable>> => {
  const selector = selectSnapshots(event.params, context);
  const wish = diskWish(event);
  return diskDownloaded(await openSnapshot(context.runtime, selector, wish, event.signal), wish, 'raw');
};
