import { isDeepStrictEqual } from 'node:util';
import { type Guest, type LooseGuest, type Metadata, normalizeGuest } from '../../model/guest.js';

const FIELDS = [
  'type',
  'image',
  'nics',
  'disks',
  'cdroms',
  'media',
  'bootOrder',
  'state',
  'memory',
  'cpu',
  'maxMemory',
  'maxCpu',
  'pending',
  'cpuModel',
  'machine',
  'devices',
  'container',
  'warnings',
  'warm',
  'vnc',
] as const;

/** Fields that revisions put in order. */
const ORDERED: ReadonlySet<string> = new Set(['state', 'vnc']);

const mergeMetadata = (sent: Metadata, returned: Metadata, current: Metadata): Metadata => {
  const merged = { ...current };
  for (const [key, value] of Object.entries(returned)) {
    if (value === sent[key]) continue;
    if (value) merged[key] = value;
    else delete merged[key];
  }
  return merged;
};

/**
 * Applies a stage's changes to the stored guest, which may have changed while the stage ran. A field that the response
 * omits, or returns as it was sent, keeps its current value; an empty field is removed.
 * @param sent the guest in the stage's request
 * @param returned the guest in its response
 * @param current the guest as it is stored now
 * @param isLatest whether the response has the newest known state, which then applies even when equal to the one sent
 */
export const mergeGuest = (
  sent: Guest,
  returned: LooseGuest,
  current: Guest,
  { isLatest = false } = {},
): Guest => {
  const merged: LooseGuest & { id: string } = { ...current };
  const canonical = normalizeGuest({ ...returned, id: current.id });
  for (const field of FIELDS) {
    if (returned[field] === undefined) continue;
    const isNew = isLatest && ORDERED.has(field);
    if (isNew || !isDeepStrictEqual(canonical[field], sent[field]))
      Object.assign(merged, { [field]: canonical[field] });
  }
  // They belong to the state that they come with.
  if (returned.state !== undefined && merged.state === canonical.state) {
    merged.reason = canonical.reason ?? null;
    merged.program = canonical.program ?? null;
  }
  if (returned.metadata) {
    merged.metadata = mergeMetadata(sent.metadata ?? {}, returned.metadata, current.metadata ?? {});
  }
  return normalizeGuest(merged);
};
