import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { Request } from '@hapi/hapi';
import { callerGone } from '../errors.js';

/** One for each connection: to make one for each of its requests costs as much as a small answer. */
const signals = new WeakMap<Socket, AbortSignal>();

/**
 * Aborted when the caller goes away. What listens to it has to let go of it when it is done, as the same connection may
 * have many more requests. hapi's own `disconnect` event does not come any more once the body has been read; and of a
 * caller who went away in the middle of a stream hapi ends the answer as if it were whole.
 */
export const disconnectSignal = ({ raw }: Request): AbortSignal => {
  const { socket } = raw.req;
  const known = signals.get(socket);
  if (known) return known;
  const controller = new AbortController();
  const onClose = (): void => controller.abort(callerGone());
  if (socket.closed) onClose();
  else socket.once('close', onClose);
  // Pipelined requests all listen.
  setMaxListeners(0, controller.signal);
  signals.set(socket, controller.signal);
  return controller.signal;
};
