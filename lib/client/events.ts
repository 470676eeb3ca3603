import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { MistifyError } from './errors.js';
import type { CallOptions, Transport } from './transport.js';

/** Between a broken connection and the next one, unless the agent asks for another time. */
const RECONNECT_MS = 1000;
const LONGEST_RECONNECT_MS = 30_000;

export interface AgentEvent {
  /** For `lastEventId`. */
  id: string;
  event: string;
  data: unknown;
}

export interface EventsOptions extends CallOptions {
  /** Of this guest alone. */
  guest?: string | undefined;
  /** Of this kind alone. */
  kind?: string | undefined;
  /** Begins with what came after that event; by default with what comes from now on. */
  lastEventId?: string | undefined;
  /** Is told why, when the connection is broken and is about to be made anew. */
  onBroken?: ((error: MistifyError) => void) | undefined;
}

interface Place {
  lastEventId: string | undefined;
  reconnectMs: number;
}

const toEvent = ({ id = '', event = 'message', data }: EventSourceMessage): AgentEvent => {
  try {
    return { id, event, data: JSON.parse(data) };
  } catch (error) {
    throw new MistifyError(200, `the agent sent an event that is not JSON: ${data.slice(0, 100)}`, {
      cause: error,
    });
  }
};

/** The events of one connection; `place` is kept up to date with how far it came. */
async function* eventsOf(stream: Readable, place: Place): AsyncGenerator<AgentEvent, void, undefined> {
  let received: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => {
      received.push(message);
    },
    onRetry: (ms) => {
      place.reconnectMs = Math.min(ms, LONGEST_RECONNECT_MS);
    },
  });
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    parser.feed(String(chunk));
    const messages = received;
    received = [];
    for (const message of messages) {
      if (message.id !== undefined) place.lastEventId = message.id;
      yield toEvent(message);
    }
  }
}

const brokenBy = (error: unknown): MistifyError =>
  new MistifyError(0, 'the connection to the agent is broken', { cause: error });

/** Whether to go on trying once there were events: not when the agent itself says no. */
const mayComeBack = ({ status }: MistifyError): boolean => status === 0 || status === 429 || status >= 500;

const connect = async (
  transport: Transport,
  { guest, kind, signal }: EventsOptions,
  place: Place,
): Promise<Readable> => {
  const { lastEventId } = place;
  const { headers, body } = await transport.stream({
    method: 'GET',
    path: '/events',
    query: { guest, kind },
    headers: {
      Accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
    },
    signal,
  });
  // The connection may break before the first event.
  place.lastEventId ??= headers['x-last-event-id'];
  return body;
};

/** Connects for as long as the agent does not say no. */
const reconnect = async (
  transport: Transport,
  options: EventsOptions,
  place: Place,
): Promise<Readable | undefined> => {
  for (;;) {
    await delay(place.reconnectMs, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal?.aborted) return undefined;
    try {
      return await connect(transport, options, place);
    } catch (error) {
      if (options.signal?.aborted) return undefined;
      if (!(error instanceof MistifyError && mayComeBack(error))) throw error;
    }
  }
};

/**
 * What happens on the host, until `signal` is aborted. A broken connection is made anew, and goes on after the last
 * event that came.
 * @throws {MistifyError} when the first connection cannot be made, or the agent refuses one
 */
export async function* followEvents(
  transport: Transport,
  options: EventsOptions = {},
): AsyncGenerator<AgentEvent, void, undefined> {
  const place: Place = { lastEventId: options.lastEventId, reconnectMs: RECONNECT_MS };
  let stream: Readable | undefined = await connect(transport, options, place);
  while (stream) {
    try {
      yield* eventsOf(stream, place);
      options.onBroken?.(brokenBy(undefined));
    } catch (error) {
      if (options.signal?.aborted) return;
      if (error instanceof MistifyError) throw error;
      options.onBroken?.(brokenBy(error));
    } finally {
      stream.destroy();
    }
    stream = await reconnect(transport, options, place);
  }
}
