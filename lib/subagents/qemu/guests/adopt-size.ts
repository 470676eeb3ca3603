import { sizeOf } from '../../../model/guest-size.js';
import type { Entry } from './entry.js';
import { type LiveSize, readLiveSize, withLive } from './live-size.js';
import { nextSize, resized } from './pending.js';
import type { Watch } from './watch.js';

/** Asks a guest's QEMU what the guest has; `undefined` when the guest is off, or its QEMU does not reply. */
export const findLiveSize = async (watch: Watch | undefined): Promise<LiveSize | undefined> => {
  try {
    return watch && (await readLiveSize(watch));
  } catch {
    return undefined;
  }
};

/**
 * Corrects the record of a guest that runs by what its QEMU has: an earlier sub-agent may have been killed during a
 * change. What the guest was to have stays, for its next start.
 */
export const adoptLiveSize = async (entry: Entry): Promise<void> => {
  const { record, watch } = entry;
  if (record.definition.maxMemory === undefined && record.definition.maxCpu === undefined) return;
  const live = await findLiveSize(watch);
  if (live) await entry.update(resized(record, withLive(sizeOf(record.definition), live), nextSize(record)));
};
