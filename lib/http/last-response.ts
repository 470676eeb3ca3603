import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A property of the connection, because a `WeakMap` would slow each request by some percent. */
const LAST = Symbol('last response');

type Connection = Duplex & { [LAST]?: ServerResponse };

const note = ({ socket }: IncomingMessage, response: ServerResponse): void => {
  (socket as Connection)[LAST] = response;
};

/** Makes `lastResponse` work for a server's connections. Its listener runs before all others. */
export const trackResponses = (listener: Server): void => {
  for (const event of ['request', 'checkContinue'] as const) {
    if (!listener.listeners(event).includes(note)) listener.prependListener(event, note);
  }
};

/** Returns the response to the last request of a connection. It may have ended. */
export const lastResponse = (connection: Duplex): ServerResponse | undefined =>
  (connection as Connection)[LAST];
