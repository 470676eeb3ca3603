import { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import { type TimeLimit, withDeadline } from '../../lib/async/deadline.js';
import type { EventLog } from '../../lib/events/event-log.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import {
  type EventBatch,
  type EventFilter,
  type EventKind,
  type HostEvent,
  matchesFilter,
} from '../../lib/model/event.js';

/** Where the stream begins: a client that has seen no event yet comes back with it. */
const PLACE_HEADER = 'X-Last-Event-ID';
/** A line now and then, by which both sides know that the other one is there. */
const HEARTBEAT: TimeLimit = { ms: 15_000, expired: () => new Error('nothing happens') };
/** What a client waits before it connects again. */
const RETRY_MS = 1000;

export interface EventsQuery {
  guest?: string[];
  kind?: EventKind[];
  /** The id of the event after which to begin; 0 for the oldest that is kept. */
  after?: number;
  /** After so many events the stream ends. */
  limit?: number;
}

interface Following {
  after: number;
  limit: number;
  filter: EventFilter;
  signal: AbortSignal;
}

/** Server-sent events, as the HTML standard has them. */
const sent = ({ id, time, body }: HostEvent): string =>
  `id: ${id}\nevent: ${body.kind}\ndata: ${JSON.stringify({ time, ...body })}\n\n`;

const sentMissed = (missed: NonNullable<EventBatch['missed']>): string =>
  `id: ${missed.before - 1}\nevent: missed\ndata: ${JSON.stringify(missed)}\n\n`;

/** Waits for the next event, at most until a line is due: to whether there was none. */
const isSilent = async (log: EventLog, place: number, ended: AbortSignal): Promise<boolean> => {
  try {
    await withDeadline(HEARTBEAT, ended, (turn) => log.wait(place, turn));
    return false;
  } catch {
    return true;
  }
};

async function* follow(log: EventLog, { after, limit, filter, signal }: Following): AsyncGenerator<string> {
  const { closed, leave } = log.enter();
  const ended = AbortSignal.any([signal, closed]);
  let [place, left] = [after, limit];
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    while (!ended.aborted) {
      const { missed, events } = await log.read(place);
      if (missed) yield sentMissed(missed);
      for (const event of events.filter((each) => matchesFilter(each, filter)).slice(0, left)) {
        yield sent(event);
        left -= 1;
      }
      if (left === 0) return;
      if (missed) place = missed.before - 1;
      place = events.at(-1)?.id ?? place;
      if (events.length > 0) continue;
      if (await isSilent(log, place, ended)) yield ': \n\n';
    }
  } finally {
    leave();
  }
}

/** What happens on the host, as it happens. */
export const followEvents = async (
  { query, lastEventId, signal }: Event<unknown, EventsQuery>,
  { events }: Context,
): Promise<Reply<Readable>> => {
  events.requireRoom();
  const { guest, kind, limit = Number.POSITIVE_INFINITY } = query;
  const after = Math.min(lastEventId ?? query.after ?? events.lastId, events.lastId);
  const stream = follow(events, { after, limit, filter: { guests: guest, kinds: kind }, signal });
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      [PLACE_HEADER]: String(after),
    },
    body: Readable.from(stream, { objectMode: false, highWaterMark: 64 * 1024 }),
  };
};
