import { isDeepStrictEqual } from 'node:util';
import { type Guest, type LooseGuest, type Metadata, normalizeGuest } from '../../model/guest.js';

const FIELDS = ['type', 'image', 'nics', 'disks', 'state', 'memory', 'cpu', 'vnc'] as const;

/** Those whose order sub-agents tell by revisions. */
const ORDERED: ReadonlySet<string> = new Set(['state', 'vnc']);

const mergeMetadata = (sent: Metadata, answered: Metadata, current: Metadata): Metadata => {
  const merged = { ...current };
  for (const [key, value] of Object.entries(answered)) {
    if (value === sent[key]) continue;
    if (value) merged[key] = value;
    else delete merged[key];
  }
  return merged;
};

/**
 * Brings what a stage changed into the guest as it is now, which may have changed since the stage was asked.
 * A field that the answer lacks, or gives back as it was sent, stays as it is; an empty one is removed.
 * @param sent the guest in the stage's request
 * @param answered the guest in its answer
 * @param current the guest as it is stored now
 * @param isLatest whether nothing is known of its state that is newer than the answer: it counts also when it is as sent
 */
export const mergeGuest = (
  sent: Guest,
  answered: LooseGuest,
  current: Guest,
  { isLatest = false } = {},
): Guest => {
  const merged: Record<string, unknown> = { ...current };
  const canonical = normalizeGuest({ ...answered, id: current.id });
  for (const field of FIELDS) {
    if (answered[field] === undefined) continue;
    const isNew = isLatest && ORDERED.has(field);
    if (isNew || !isDeepStrictEqual(canonical[field], sent[field])) merged[field] = canonical[field];
  }
  if (answered.metadata) {
    merged.metadata = mergeMetadata(sent.metadata ?? {}, answered.metadata, current.metadata ?? {});
  }
  return normalizeGuest(merged as unknown as Guest);
};
