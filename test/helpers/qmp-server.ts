import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { tempDir } from './temp.js';

export interface QmpCommand {
  execute: string;
  arguments?: Record<string, unknown>;
  id: number;
}

export type QmpAnswer = (command: QmpCommand, socket: Socket) => void;

/** Writes a message as QEMU does. */
export const send = (socket: Socket, message: unknown): void => {
  socket.write(`${JSON.stringify(message)}\r\n`);
};

export interface QmpServerOptions {
  /** Where it listens, by default in a directory of its own. */
  path?: string;
  greets?: boolean;
}

/** A QMP server that answers `qmp_capabilities` itself and everything else with `answer`; answers its path. */
export const serveQmp = async (
  t: ExecutionContext,
  answer: QmpAnswer = () => undefined,
  { path, greets = true }: QmpServerOptions = {},
): Promise<string> => {
  const listensAt = path ?? join(await tempDir(t), 'qmp.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (greets)
      send(socket, { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: [] } });
    createInterface({ input: socket }).on('line', (line) => {
      const command = JSON.parse(line) as QmpCommand;
      if (command.execute === 'qmp_capabilities') send(socket, { return: {}, id: command.id });
      else answer(command, socket);
    });
  });
  server.listen(listensAt);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listensAt;
};
