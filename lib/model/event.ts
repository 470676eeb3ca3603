import type { Guest } from './guest.js';
import type { Job } from './job.js';
import type { GuestRun, Schedule, SkippedRun } from './schedule.js';
import type { View } from './secrets.js';

export const EVENT_KINDS = ['guest', 'job', 'image', 'volume', 'backup', 'service', 'schedule'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** A change on this host. */
export type EventBody =
  | { kind: 'guest'; change: 'created' | 'changed' | 'deleted'; id: string; guest: Guest }
  | {
      kind: 'job';
      change: 'queued' | 'changed' | 'ended';
      id: string;
      /** The stage of the job's pipeline, from 0. */
      stage: number;
      /** The progress last reported, 0 to 100; absent when no sub-agent reported it. */
      percent?: number;
      job: Job;
    }
  | { kind: 'image'; change: 'fetched' | 'deleted'; id: string; type: string }
  | { kind: 'volume'; change: 'created' | 'deleted'; id: string }
  | { kind: 'backup'; change: 'created' | 'deleted' | 'verified'; id: string; guest: string }
  | { kind: 'service'; change: 'up' | 'down'; id: string; reason?: string }
  | { kind: 'schedule'; change: 'created' | 'changed' | 'deleted'; id: string; schedule: Schedule }
  | { kind: 'schedule'; change: 'ended'; id: string; schedule: Schedule; run: GuestRun }
  | {
      kind: 'schedule';
      change: 'skipped';
      id: string;
      schedule: Schedule;
      /** Without a guest, it concerns all guests of the schedule. */
      skipped: SkippedRun & { guest?: string };
    };

/** A published event. */
export interface HostEvent {
  /** Higher than those of all earlier events, also across restarts. */
  id: number;
  /** RFC 3339. */
  time: string;
  body: EventBody;
}

/** Consecutive events from the log. */
export interface EventBatch {
  /** Present when events before `events` are lost: their ids are between these two. */
  missed?: { after: number; before: number };
  events: HostEvent[];
}

export interface EventFilter {
  /** The ids of the guests whose events match; all events match when absent. */
  guests?: readonly string[] | undefined;
  kinds?: readonly EventKind[] | undefined;
}

/** Returns the id of the guest that an event concerns, if it concerns one. */
export const guestIdOf = (body: EventBody): string | undefined => {
  if (body.kind === 'guest') return body.id;
  if (body.kind === 'backup') return body.guest;
  if (body.kind === 'job') return body.job.GuestID;
  if (body.kind !== 'schedule') return undefined;
  if (body.change === 'ended') return body.run.guest;
  return body.change === 'skipped' ? body.skipped.guest : undefined;
};

export const matchesFilter = ({ body }: HostEvent, { guests, kinds }: EventFilter): boolean =>
  (kinds === undefined || kinds.includes(body.kind)) &&
  (guests === undefined || guests.includes(guestIdOf(body) ?? ''));

/** Returns the metadata keys of a guest that are sealed now; none when the guest no longer exists. */
export type SealedNow = (guestId: string) => ReadonlySet<string>;

/** Returns an event as some clients may see it: without the keys sealed then or since. */
export const eventIn = (view: View, event: HostEvent, sealedNow: SealedNow): HostEvent => {
  const { body } = event;
  if (body.kind !== 'guest') return event;
  return { ...event, body: { ...body, guest: view.earlierGuest(body.guest, sealedNow(body.id)) } };
};
