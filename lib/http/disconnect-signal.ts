import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { Request } from '@hapi/hapi';
import { callerGone } from '../errors.js';

/** One signal per connection: one per request would cost as much as a small response. */
const signals = new WeakMap<Socket, AbortSignal>();

/**
 * Returns a signal that aborts when the caller disconnects. Remove listeners when the request ends: all requests of a
 * connection share the signal.
 *
 * hapi's `disconnect` event is no substitute: it does not fire once the body has been read, and for a caller that leaves
 * in the middle of a stream hapi ends the response as if it were complete.
 */
export const disconnectSignal = ({ raw }: Request): AbortSignal => {
  const { socket } = raw.req;
  const known = signals.get(socket);
  if (known) return known;
  const controller = new AbortController();
  const onClose = (): void => controller.abort(callerGone());
  if (socket.closed) onClose();
  else socket.once('close', onClose);
  // All pipelined requests of the connection listen.
  setMaxListeners(0, controller.signal);
  signals.set(socket, controller.signal);
  return controller.signal;
};
