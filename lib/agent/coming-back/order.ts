import type { Guest } from '../../model/guest.js';

/** Guests without an order come after all others. */
const LAST = Number.POSITIVE_INFINITY;

export const orderOf = ({ autostart }: Guest): number => autostart?.order ?? LAST;

/** Returns the guests of the lowest order. */
export const firstGroup = (guests: readonly Guest[]): Guest[] => {
  const first = Math.min(...guests.map(orderOf));
  return guests.filter((guest) => orderOf(guest) === first);
};

/** Groups guests in the order in which they shut down: the reverse of that in which they start. */
export const shutdownGroups = (guests: readonly Guest[]): Guest[][] => {
  const groups: Guest[][] = [];
  for (let left = [...guests]; left.length > 0; ) {
    const group = firstGroup(left);
    groups.unshift(group);
    left = left.filter((guest) => !group.includes(guest));
  }
  return groups;
};
