import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Server } from '@hapi/hapi';
import { lastResponse, trackResponses } from './last-response.js';

/** Closes a connection after the response in progress on it. Later requests on it are not read. */
const closeAfterResponse = (connection: Socket): void => {
  const response = lastResponse(connection);
  if (response && !response.writableFinished) response.once('finish', () => connection.destroySoon());
  else connection.destroySoon();
};

const keepTrack =
  (connections: Set<Socket>) =>
  (connection: Socket): void => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  };

/**
 * Makes a server close its connections when it stops, idle ones at once and others after their response. hapi's
 * `cleanStop` would cost each request a listener.
 * @param ms milliseconds that responses in progress get
 */
export const closeConnectionsOnStop = (server: Server, ms: number): void => {
  const { listener } = server;
  const [all, established] = [new Set<Socket>(), new Set<Socket>()];
  let timer: NodeJS.Timeout | undefined;
  trackResponses(listener);
  listener.on('connection', keepTrack(all));
  // A connection before its TLS handshake has no request.
  listener.on(listener instanceof TlsServer ? 'secureConnection' : 'connection', keepTrack(established));
  // Node calls it when a server closes, and counts clients that have not read all of a response as idle.
  listener.closeIdleConnections = () => {};
  server.events.on('closing', () => {
    for (const connection of established) closeAfterResponse(connection);
    timer = setTimeout(() => {
      for (const connection of all) connection.destroy();
    }, ms);
  });
  server.events.on('stop', () => clearTimeout(timer));
};
