import { type Guest, isContainer } from '../../model/guest.js';
import { hasTag } from '../../model/labels.js';
import type { ScheduleGuests } from '../../model/schedule.js';

/** States of guests that have no disks yet, or no longer. */
const UNUSABLE: ReadonlySet<string> = new Set(['create', 'error', 'deleted']);

/** Whether a guest has disks of its own. */
const isSuitable = (guest: Guest): boolean =>
  !isContainer(guest) && !UNUSABLE.has(guest.state ?? '') && (guest.disks ?? []).length > 0;

/** Returns the guests of a schedule as they are now: those that can be done something for. */
export const selectGuests = (
  guests: readonly Guest[],
  { ids = [], tags = [], all = false }: ScheduleGuests,
): Guest[] => {
  const isNamed = (guest: Guest): boolean => all || ids.includes(guest.id) || hasTag(guest, tags);
  return guests.filter((guest) => isNamed(guest) && isSuitable(guest));
};
