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

export type QmpHandler = (command: QmpCommand, socket: Socket) => void;

/** Sends a message as QEMU does: JSON and CRLF. */
export const send = (socket: Socket, message: unknown): void => {
  socket.write(`${JSON.stringify(message)}\r\n`);
};

export interface QmpServerOptions {
  /** The path to listen on; by default in a temporary directory. */
  path?: string;
  /** Whether it sends a greeting to new clients. */
  greets?: boolean;
}

/** Starts a QMP server that handles `qmp_capabilities` itself and passes every other command to `handle`. Returns its path. */
export const serveQmp = async (
  t: ExecutionContext,
  handle: QmpHandler = () => undefined,
  { path, greets = true }: QmpServerOptions = {},
): Promise<string> => {
  const socketPath = path ?? join(await tempDir(t), 'qmp.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (greets)
      send(socket, { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: [] } });
    createInterface({ input: socket }).on('line', (line) => {
      const command = JSON.parse(line) as QmpCommand;
      if (command.execute === 'qmp_capabilities') send(socket, { return: {}, id: command.id });
      else handle(command, socket);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return socketPath;
};
