import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Where a connection has it: each request would cost some percent more if V8's garbage collector had a `WeakMap` to look after. */
const LATEST = Symbol('latest answer');

type Connection = Duplex & { [LATEST]?: ServerResponse };

const note = ({ socket }: IncomingMessage, response: ServerResponse): void => {
  (socket as Connection)[LATEST] = response;
};

/** Has `latestAnswer` know the answers of a server, before anybody else hears of their requests. */
export const noteAnswers = (listener: Server): void => {
  for (const event of ['request', 'checkContinue'] as const) {
    if (!listener.listeners(event).includes(note)) listener.prependListener(event, note);
  }
};

/** The answer to the request that came last over a connection, which may have ended. */
export const latestAnswer = (connection: Duplex): ServerResponse | undefined =>
  (connection as Connection)[LATEST];
