import type { Guest } from './guest.js';
import type { Job } from './job.js';

export const EVENT_KINDS = ['guest', 'job', 'image', 'service'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that has changed on this host. */
export type Happening =
  | { kind: 'guest'; change: 'created' | 'changed' | 'deleted'; id: string; guest: Guest }
  | {
      kind: 'job';
      change: 'queued' | 'changed' | 'ended';
      id: string;
      /** Of its pipeline, from 0. */
      stage: number;
      /** How far it is, where its sub-agent says so. */
      percent?: number;
      job: Job;
    }
  | { kind: 'image'; change: 'fetched' | 'deleted'; id: string; type: string }
  | { kind: 'service'; change: 'up' | 'down'; id: string; reason?: string };

/** An event as its readers get it. */
export interface HostEvent {
  /** The later, the higher, also across restarts. */
  id: number;
  /** RFC 3339. */
  time: string;
  happening: Happening;
}

/** What came after a place in the log. */
export interface Batch {
  /** When events after that place are no longer kept: the ids between which they are. */
  missed?: { after: number; before: number };
  events: HostEvent[];
}

export interface EventFilter {
  /** By id. */
  guests?: readonly string[] | undefined;
  kinds?: readonly EventKind[] | undefined;
}

const guestOf = (happening: Happening): string | undefined => {
  if (happening.kind === 'guest') return happening.id;
  return happening.kind === 'job' ? happening.job.GuestID : undefined;
};

export const passes = ({ happening }: HostEvent, { guests, kinds }: EventFilter): boolean =>
  (kinds === undefined || kinds.includes(happening.kind)) &&
  (guests === undefined || guests.includes(guestOf(happening) ?? ''));
