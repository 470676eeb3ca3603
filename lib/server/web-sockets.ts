import type { Duplex } from 'node:stream';
import { Boom, badRequest } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import { bridge } from '../http/websocket/bridge.js';
import type { Upgrades } from '../http/websocket/upgrades.js';
import { whenRevoked } from './auth.js';

/** RFC 6455, 7.4.1. */
const POLICY_VIOLATION = 1008;

const upgradeRequired = (): Boom => {
  const boom = new Boom('this is a WebSocket: ask for it with Connection: Upgrade and Upgrade: websocket', {
    statusCode: 426,
  });
  Object.assign(boom.output.headers, { Upgrade: 'websocket', Connection: 'Upgrade' });
  return boom;
};

/** @throws 400 when a WebSocket is asked for in a way that is none */
export const requireHandshake = ({ raw: { req } }: Request, upgrades: Upgrades): void => {
  const problem = upgrades.isAsked(req) ? upgrades.problemOf(req) : undefined;
  if (problem !== undefined) throw badRequest(problem);
};

/**
 * Hands the client's connection over to what a handler has opened. Who did not ask for a WebSocket learns only that it
 * could be had: a browser tells its pages nothing of why one was refused, so they ask once more without.
 * @throws 426 when the request is none for a WebSocket
 */
export const connectClient = (request: Request, upgrades: Upgrades, console: Duplex): void => {
  const { req, res } = request.raw;
  if (!upgrades.isAsked(req)) {
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
    whenRevoked(request, () => socket.close(POLICY_VIOLATION, 'your token is good no more')),
  );
};
