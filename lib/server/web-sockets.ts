import type { Duplex } from 'node:stream';
import { Boom, badRequest } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import { bridge } from '../http/websocket/bridge.js';
import type { Upgrades } from '../http/websocket/upgrades.js';
import { onRevoked } from './auth.js';

/** Closes a WebSocket whose client may no longer use it (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008;

const upgradeRequired = (): Boom => {
  const boom = new Boom('this is a WebSocket: send Connection: Upgrade and Upgrade: websocket', {
    statusCode: 426,
  });
  Object.assign(boom.output.headers, { Upgrade: 'websocket', Connection: 'Upgrade' });
  return boom;
};

/** @throws 400 when the request is a malformed WebSocket handshake */
export const requireHandshake = ({ raw: { req } }: Request, upgrades: Upgrades): void => {
  const problem = upgrades.isRequested(req) ? upgrades.handshakeProblem(req) : undefined;
  if (problem !== undefined) throw badRequest(problem);
};

/**
 * Bridges the client's connection to the console that a handler opened. A request without a handshake gets 426 only
 * after the console could be opened: browsers hide why a WebSocket failed, so pages repeat the request without one.
 * @throws 426 when the request is not a WebSocket handshake
 */
export const connectClient = (request: Request, upgrades: Upgrades, console: Duplex): void => {
  const { req, res } = request.raw;
  if (!upgrades.isRequested(req)) {
    console.destroy();
    throw upgradeRequired();
  }
  const socket = upgrades.accept(req, res);
  if (!socket) {
    console.destroy();
    return;
  }
  bridge(socket, console);
  socket.once(
    'close',
    onRevoked(request, () => socket.close(POLICY_VIOLATION, 'token revoked or expired')),
  );
};
