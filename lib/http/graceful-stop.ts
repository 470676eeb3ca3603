import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Server } from '@hapi/hapi';
import { latestAnswer, noteAnswers } from './last-response.js';

/** Closes a connection, after the answer that is under way on it. What would come after it is not read any more. */
const closeWhenAnswered = (connection: Socket): void => {
  const answer = latestAnswer(connection);
  if (answer && !answer.writableFinished) answer.once('finish', () => connection.destroySoon());
  else connection.destroySoon();
};

const keepIn =
  (connections: Set<Socket>) =>
  (connection: Socket): void => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  };

/**
 * Has a server that stops end its connections, so that it waits for none that asks for nothing. What hapi has for that,
 * `cleanStop`, costs each request a listener.
 * @param ms milliseconds that answers under way get
 */
export const endConnectionsAtStop = (server: Server, ms: number): void => {
  const { listener } = server;
  const [all, speaking] = [new Set<Socket>(), new Set<Socket>()];
  let timer: NodeJS.Timeout | undefined;
  noteAnswers(listener);
  listener.on('connection', keepIn(all));
  // What has not shaken hands says nothing yet.
  listener.on(listener instanceof TlsServer ? 'secureConnection' : 'connection', keepIn(speaking));
  // Node calls it when a server closes, and takes for idle who has not read the end of an answer.
  listener.closeIdleConnections = () => {};
  server.events.on('closing', () => {
    for (const connection of speaking) closeWhenAnswered(connection);
    timer = setTimeout(() => {
      for (const connection of all) connection.destroy();
    }, ms);
  });
  server.events.on('stop', () => clearTimeout(timer));
};
