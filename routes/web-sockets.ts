import type { Duplex } from 'node:stream';
import { Boom } from '@hapi/boom';
import type { Request } from '@hapi/hapi';
import { bridge } from '../lib/websocket/bridge.js';
import type { Upgrades } from '../lib/websocket/upgrades.js';

/** How a browser, which can set no headers on a WebSocket, shows a token: RFC 6455, 11.5, names a subprotocol so. */
const TOKEN_PROTOCOL = /^mistify\.token\.([A-Za-z0-9_-]+)$/;

/** The token among the subprotocols that are offered. */
export const tokenOffered = ({ headers }: Request): string | undefined => {
  const offered = String(headers['sec-websocket-protocol'] ?? '').split(',');
  const [token] = offered.flatMap((name) => TOKEN_PROTOCOL.exec(name.trim())?.[1] ?? []);
  return token === undefined ? undefined : Buffer.from(token, 'base64url').toString();
};

/** @throws 426 when the request is none for a WebSocket */
export const requireUpgrade = ({ raw }: Request, upgrades: Upgrades): void => {
  if (upgrades.isAsked(raw.req)) return;
  const boom = new Boom('this is a WebSocket: ask for it with Connection: Upgrade and Upgrade: websocket', {
    statusCode: 426,
  });
  Object.assign(boom.output.headers, { Upgrade: 'websocket', Connection: 'Upgrade' });
  throw boom;
};

/** Hands the client's connection over to what a handler has opened. */
export const connectClient = ({ raw }: Request, upgrades: Upgrades, console: Duplex): void => {
  const socket = upgrades.accept(raw.req, raw.res);
  if (socket) bridge(socket, console);
  else console.destroy();
};
