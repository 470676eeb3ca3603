import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Server } from '@hapi/hapi';
import { latestAnswer, noteAnswers } from './latest-answer.js';

/** Ends a connection, after the answer that is under way on it. */
const endWhenAnswered = (connection: Socket): void => {
  const answer = latestAnswer(connection);
  if (answer && !answer.writableFinished) answer.once('finish', () => connection.end());
  else connection.end();
};

/**
 * Has a server that stops end its connections, so that it waits for none that asks for nothing. What hapi has for that,
 * `cleanStop`, costs each request a listener.
 * @param ms milliseconds that answers under way get
 */
export const endConnectionsAtStop = (server: Server, ms: number): void => {
  const { listener } = server;
  const open = new Set<Socket>();
  let timer: NodeJS.Timeout | undefined;
  noteAnswers(listener);
  listener.on(listener instanceof TlsServer ? 'secureConnection' : 'connection', (connection: Socket) => {
    open.add(connection);
    connection.once('close', () => open.delete(connection));
  });
  server.events.on('closing', () => {
    for (const connection of open) endWhenAnswered(connection);
    timer = setTimeout(() => {
      for (const connection of open) connection.destroy();
    }, ms);
  });
  server.events.on('stop', () => clearTimeout(timer));
};
