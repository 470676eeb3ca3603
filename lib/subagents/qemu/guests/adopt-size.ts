import { sizeOf } from '../../../model/guest-size.js';
import type { Entry } from './entry.js';
import { requestGrowth } from './grow.js';
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
 * change. What the guest was to have stays, for its next start or for a repetition of the change.
 */
export const adoptLiveSize = async (entry: Entry): Promise<void> => {
  const { record, watch } = entry;
  const recorded = sizeOf(record.definition);
  if (!watch || (recorded.maxMemory ?? recorded.maxCpu) === undefined) return;
  const live = await findLiveSize(watch);
  if (!live) return;
  const { memory, cpu } = withLive(recorded, live);
  if (memory === recorded.memory && cpu === recorded.cpu) return;
  const { base, growth } = live;
  const isInterrupted = growth !== undefined && memory !== recorded.memory;
  // The guest keeps what it has taken, so that it does not grow later by itself.
  if (isInterrupted) await requestGrowth(watch, growth.size);
  const now = { ...recorded, cpu, memory: isInterrupted ? base + growth.size : recorded.memory };
  await entry.update(resized(record, now, nextSize(record)));
};
