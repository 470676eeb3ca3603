import { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import { type TimeLimit, withDeadline } from '../../lib/async/deadline.js';
import type { EventLog } from '../../lib/events/event-log.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import {
  type EventBatch,
  type EventKind,
  eventIn,
  type HostEvent,
  matchesFilter,
} from '../../lib/model/event.js';
import { viewFor } from '../../lib/model/secrets.js';
import { eventFilter } from '../rights.js';

/** Tells where the stream starts, so that a client can resume before it has received any event. */
const POSITION_HEADER = 'X-Last-Event-ID';
class HeartbeatDue extends Error {}

/** The interval of the comment lines in a quiet stream. They show each side that the other is still connected. */
const HEARTBEAT: TimeLimit = { ms: 15_000, expired: () => new HeartbeatDue() };
/** How long a client waits before it reconnects. */
const RETRY_MS = 1000;

export interface EventsQuery {
  /** Ids of guests; all when absent. */
  guest?: string[];
  kind?: EventKind[];
  /** The id of the event after which to start; 0 starts with the oldest one kept. */
  after?: number;
  /** The stream ends after this many events. */
  limit?: number;
}

interface Following {
  after: number;
  limit: number;
  /** Selects the events that the client wants and may see. */
  matches: (event: HostEvent) => boolean;
  signal: AbortSignal;
  /** Formats an event as the client may see it. */
  format: (event: HostEvent) => string;
}

/** Formats a server-sent event (HTML standard, 9.2). */
const formatEvent = ({ id, time, body }: HostEvent): string =>
  `id: ${id}\nevent: ${body.kind}\ndata: ${JSON.stringify({ time, ...body })}\n\n`;

/** Formats the event that reports a gap: older events are no longer kept. */
const formatMissed = (missed: NonNullable<EventBatch['missed']>): string =>
  `id: ${missed.before - 1}\nevent: missed\ndata: ${JSON.stringify(missed)}\n\n`;

/** Waits for the next event; resolves to true when the heartbeat is due first, or the stream has ended. */
const isSilent = async (log: EventLog, position: number, ended: AbortSignal): Promise<boolean> => {
  try {
    await withDeadline(HEARTBEAT, ended, (turn) => log.wait(position, turn));
    return false;
  } catch (error) {
    if (error instanceof HeartbeatDue || ended.aborted) return true;
    throw error;
  }
};

async function* follow(
  log: EventLog,
  { after, limit, matches, signal, format }: Following,
): AsyncGenerator<string> {
  const { closed, leave } = log.enter();
  const ended = AbortSignal.any([signal, closed]);
  let [position, left] = [after, limit];
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    while (!ended.aborted) {
      const { missed, events } = await log.read(position);
      if (missed) yield formatMissed(missed);
      for (const event of events.filter(matches).slice(0, left)) {
        yield format(event);
        left -= 1;
      }
      if (left === 0) return;
      if (missed) position = missed.before - 1;
      position = events.at(-1)?.id ?? position;
      if (events.length > 0) continue;
      if (await isSilent(log, position, ended)) yield ': \n\n';
    }
  } finally {
    leave();
  }
}

/** Streams the host's events as they happen, starting after the last one that the client received. */
export const followEvents = async (
  event: Event<unknown, EventsQuery>,
  context: Context,
): Promise<Reply<Readable>> => {
  const { query, lastEventId, signal, principal } = event;
  const { events, guests } = context;
  events.requireRoom();
  const { guest, kind, limit = Number.POSITIVE_INFINITY } = query;
  const after = Math.min(lastEventId ?? query.after ?? events.lastId, events.lastId);
  const filter = { guests: guest, kinds: kind };
  const sees = eventFilter(event, context);
  const matches = (each: HostEvent): boolean => matchesFilter(each, filter) && sees(each.body);
  const format = (each: HostEvent): string => {
    const subject = each.body.kind === 'guest' ? guests.subject(each.body.id) : undefined;
    return formatEvent(eventIn(viewFor(principal, subject), each, (id) => guests.sealedKeys(id)));
  };
  const stream = follow(events, { after, limit, matches, signal, format });
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      [POSITION_HEADER]: String(after),
    },
    body: Readable.from(stream, { objectMode: false, highWaterMark: 64 * 1024 }),
  };
};
