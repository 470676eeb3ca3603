import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { MistifyError } from './errors.js';
import type { CallOptions, Transport } from './transport.js';

/** The delay before reconnecting, unless the agent sends another one. */
const RECONNECT_MS = 1000;
const LONGEST_RECONNECT_MS = 30_000;

export interface AgentEvent {
  /** For `lastEventId`. */
  id: string;
  event: string;
  data: unknown;
}

export interface EventsOptions extends CallOptions {
  /** Only events of this guest. */
  guest?: string | undefined;
  /** Only events of this kind. */
  kind?: string | undefined;
  /** Starts after this event; by default with the next one. */
  lastEventId?: string | undefined;
  /** Called with the reason when the connection breaks, before reconnecting. */
  onBroken?: ((error: MistifyError) => void) | undefined;
}

/** Where to continue after a broken connection. */
interface Position {
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

/** Yields the events of one connection and keeps `position` up to date. */
async function* parseEvents(
  stream: Readable,
  position: Position,
): AsyncGenerator<AgentEvent, void, undefined> {
  let received: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => {
      received.push(message);
    },
    onRetry: (ms) => {
      position.reconnectMs = Math.min(ms, LONGEST_RECONNECT_MS);
    },
  });
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    parser.feed(String(chunk));
    const messages = received;
    received = [];
    for (const message of messages) {
      if (message.id !== undefined) position.lastEventId = message.id;
      yield toEvent(message);
    }
  }
}

const connectionBroken = (cause?: unknown): MistifyError =>
  new MistifyError(0, 'the connection to the agent broke', { cause });

/** Whether reconnecting may help: not when the agent itself refuses. */
const isTransient = ({ status }: MistifyError): boolean => status === 0 || status === 429 || status >= 500;

const connect = async (
  transport: Transport,
  { guest, kind, signal }: EventsOptions,
  position: Position,
): Promise<Readable> => {
  const { lastEventId } = position;
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
  position.lastEventId ??= headers['x-last-event-id'];
  return body;
};

/** Tries to connect until the agent accepts, refuses, or `signal` aborts. */
const reconnect = async (
  transport: Transport,
  options: EventsOptions,
  position: Position,
): Promise<Readable | undefined> => {
  for (;;) {
    await delay(position.reconnectMs, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal?.aborted) return undefined;
    try {
      return await connect(transport, options, position);
    } catch (error) {
      if (options.signal?.aborted) return undefined;
      if (!(error instanceof MistifyError && isTransient(error))) throw error;
    }
  }
};

/**
 * Yields the host's events until `signal` aborts. After a broken connection it reconnects and resumes after the last
 * event received.
 * @throws {MistifyError} when the first connection fails, or the agent refuses a later one
 */
export async function* followEvents(
  transport: Transport,
  options: EventsOptions = {},
): AsyncGenerator<AgentEvent, void, undefined> {
  const position: Position = { lastEventId: options.lastEventId, reconnectMs: RECONNECT_MS };
  let stream: Readable | undefined = await connect(transport, options, position);
  while (stream) {
    try {
      yield* parseEvents(stream, position);
      options.onBroken?.(connectionBroken());
    } catch (error) {
      if (options.signal?.aborted) return;
      if (error instanceof MistifyError) throw error;
      options.onBroken?.(connectionBroken(error));
    } finally {
      stream.destroy();
    }
    stream = await reconnect(transport, options, position);
  }
}
