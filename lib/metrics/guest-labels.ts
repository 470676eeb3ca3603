import { type Guest, metadataOf } from '../model/guest.js';
import { CLOSED_VIEW } from '../model/secrets.js';

/** Metadata may be long, and each series of the guest repeats its name. */
const MAX_NAME = 255;

/** The names of the labels that all series of a guest have. */
export const GUEST_LABELS = ['guest', 'name'] as const;

export type GuestLabels = Readonly<{ guest: string; name?: string }>;

/**
 * Returns the labels of a guest's series: its id, and its name if it has one. Scrapes see no sealed name. To Prometheus a
 * label without a value is the same as none.
 */
export const guestLabels = (guest: Guest): GuestLabels => {
  const { name } = CLOSED_VIEW.metadata(metadataOf(guest));
  return { guest: guest.id, ...(name ? { name: name.slice(0, MAX_NAME) } : {}) };
};
