import { defaultMemory } from '../../model/container/memory.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { DEFAULT_VCPUS } from '../../model/guest-size.js';
import { counted } from '../../model/units.js';

export const QUOTA_RESOURCES = ['guests', 'memory', 'cpu', 'disk'] as const;
export type Resource = (typeof QUOTA_RESOURCES)[number];
/** What guests have; memory and disk in MB. */
export type Usage = Record<Resource, number>;

export const LABELS: Record<Resource, (amount: number) => string> = {
  guests: (count) => counted(count, 'guest'),
  memory: (mb) => `${mb} MB of memory`,
  cpu: (count) => counted(count, 'vCPU'),
  disk: (mb) => `${mb} MB of disks`,
};

/**
 * What a guest needs, now or from its next start on, whichever is more. A container without a limit needs all memory that
 * there is, which no sum can have.
 */
export const needOf = ({ pending = {}, ...guest }: Guest): Usage => ({
  guests: 1,
  memory: Math.max(guest.memory ?? defaultMemory(guest) ?? 0, pending.memory ?? 0),
  cpu: Math.max(guest.cpu ?? (isContainer(guest) ? 0 : DEFAULT_VCPUS), pending.cpu ?? 0),
  disk: (guest.disks ?? []).reduce((sum, { size }) => sum + (size || 0), 0),
});

/** What guests have together; one that could not be created has nothing. */
export const sumOf = (guests: Iterable<Guest>): Usage => {
  const sum: Usage = { guests: 0, memory: 0, cpu: 0, disk: 0 };
  for (const guest of guests) {
    if (guest.state === 'error') continue;
    const need = needOf(guest);
    for (const resource of QUOTA_RESOURCES) sum[resource] += need[resource];
  }
  return sum;
};
