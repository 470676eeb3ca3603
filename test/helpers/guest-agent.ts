import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';

/**
 * The response to a command: a value, an error, or a promise for a late or missing response. The cause of an error is its
 * class, by default `GenericError`.
 */
type Reply = unknown | Error | Promise<unknown>;

/** A guest agent with scripted responses, on the socket of QEMU's port. */
export interface ScriptedGuestAgent {
  /** The commands read so far, in order. */
  commands: string[];
}

const DELIMITER = Buffer.of(0xff);

interface Command {
  execute: string;
  arguments?: { id?: number };
}

/**
 * Starts a scripted guest agent.
 * @param replies replies by command; by default, `guest-sync-delimited` gets its id and other commands an error
 * @param greeting leftover bytes of an earlier conversation
 */
export const startGuestAgent = async (
  t: ExecutionContext,
  socketPath: string,
  replies: Record<string, (args: Record<string, unknown>) => Reply> = {},
  greeting = '',
): Promise<ScriptedGuestAgent> => {
  const commands: string[] = [];

  const respond = async (socket: Socket, command: Command): Promise<void> => {
    const isSync = command.execute === 'guest-sync-delimited';
    const reply =
      replies[command.execute] ?? (() => (isSync ? command.arguments?.id : new Error('no such command')));
    const value = await reply(command.arguments ?? {});
    const message =
      value instanceof Error
        ? { error: { class: value.cause ?? 'GenericError', desc: value.message } }
        : { return: value };
    socket.write(
      Buffer.concat([...(isSync ? [DELIMITER] : []), Buffer.from(`${JSON.stringify(message)}\n`)]),
    );
  };

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (greeting) socket.write(greeting);
    let [rest, last] = ['', Promise.resolve()];
    socket.on('data', (data) => {
      const lines = (rest + data.toString('latin1').replaceAll('\xff', '')).split('\n');
      rest = lines.pop() ?? '';
      // One at a time, like a real agent: a hanging command delays the rest.
      for (const line of lines) {
        const command = JSON.parse(line) as Command;
        last = last.then(() => {
          commands.push(command.execute);
          return respond(socket, command);
        });
      }
    });
  });
  await mkdir(dirname(socketPath), { recursive: true });
  server.listen(socketPath);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { commands };
};
