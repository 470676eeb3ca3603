import { type Guest, metadataOf, normalizeGuest } from './guest.js';
import { isOn, isSaved } from './intent.js';

/** A guest as it can be moved to another host, and what it leaves behind. */
export interface PortableGuest {
  guest: Guest;
  /** In words. */
  leftOut: string[];
}

const HOST_KEYS = [
  'owner',
  'media',
  'state',
  'reason',
  'pending',
  'warnings',
  'warm',
  'program',
  'vnc',
  'intent',
  'restarts',
] as const;

/** A key that only means something on the host that runs the guest. */
export type HostKey = (typeof HOST_KEYS)[number];

/** Returns a guest without the keys that only mean something on the host that runs it. */
export const withoutHostKeys = (guest: Guest): Guest => {
  const rest = { ...guest };
  for (const key of HOST_KEYS) delete rest[key];
  return rest;
};

const memoryNote = (guest: Guest): string[] => {
  if (isSaved(guest)) return ['the memory that was saved: the guest boots, as after a power cut'];
  return isOn(guest) ? ['the memory of the running guest: the guest boots'] : [];
};

/**
 * Returns a guest without what only its host can know.
 * @param guest as its client may see it: its `hidden` keys count as left out
 */
export const portableGuest = ({ hidden = [], ...guest }: Guest): PortableGuest => {
  const { disks, nics, cdroms } = guest;
  const moved = {
    ...withoutHostKeys(guest),
    metadata: metadataOf(guest),
    disks: disks?.map(({ serial: _, ...disk }) => ({
      ...disk,
      volume: '',
      source: '',
      device: '',
      image: '',
    })),
    cdroms: cdroms?.map(({ device }) => ({ device, image: '' })),
    nics: nics?.map(({ device: _device, removing: _removing, ...nic }) => nic),
    image: '',
  };
  const images = (cdroms ?? []).flatMap(({ image }) => image || []);
  return {
    guest: normalizeGuest(moved as Guest),
    leftOut: [
      ...(hidden.length > 0 ? [`secrets that no client may read: ${hidden.join(', ')}`] : []),
      ...(guest.pending ? ['the changes that wait for its next start'] : []),
      ...memoryNote(guest),
      ...(images.length > 0 ? [`the images in its CD drives: ${images.join(', ')}`] : []),
      'its snapshots',
    ],
  };
};
