import type { Guest } from '../model/guest.js';
import { openNameOf } from '../model/open-name.js';

/** The names of the labels that all series of a guest have. */
export const GUEST_LABELS = ['guest', 'name'] as const;

export type GuestLabels = Readonly<{ guest: string; name?: string }>;

/**
 * Returns the labels of a guest's series: its id, and its name if it has one. Scrapes see no sealed name. To Prometheus a
 * label without a value is the same as none.
 */
export const guestLabels = (guest: Guest): GuestLabels => {
  const name = openNameOf(guest);
  return { guest: guest.id, ...(name === undefined ? {} : { name }) };
};
