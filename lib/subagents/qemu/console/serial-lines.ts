import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import pLimit, { type LimitFunction } from 'p-limit';
import type { GuestPaths } from '../layout.js';

interface Line {
  users: number;
  /** Serializes input: one user's bytes wait until the guest has read the previous ones. */
  queue: LimitFunction;
  /** Unset until a user types, and again after the guest was off. */
  socket: Promise<Socket | undefined> | undefined;
}

const tryConnect = async (path: string): Promise<Socket | undefined> => {
  const socket = createConnection({ path });
  socket.on('error', () => {});
  // The guest's output is read from its log.
  socket.resume();
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
};

/** Resolves when QEMU has accepted the bytes, or is gone. Waits as long as the guest reads nothing. */
const write = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });

/** Input to guests' serial consoles. All users of a guest share one connection, the most that QEMU serves at a time. */
export class SerialLines {
  readonly #lines = new Map<string, Line>();

  /** Counts a user of a guest's line; call `leave` when the user is done. */
  enter(id: string): void {
    const line = this.#lines.get(id) ?? { users: 0, queue: pLimit(1), socket: undefined };
    line.users += 1;
    this.#lines.set(id, line);
  }

  leave(id: string): void {
    const line = this.#lines.get(id);
    if (!line) return;
    line.users -= 1;
    if (line.users > 0) return;
    this.#lines.delete(id);
    void line.socket?.then((socket) => socket?.destroy());
  }

  /**
   * Sends input to a guest's console. Drops it when the guest is off, as a machine without power would.
   * @param signal cancels input that is still queued
   */
  async type({ id, serial }: GuestPaths, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const line = this.#lines.get(id);
    await line?.queue(async () => {
      if (signal.aborted) return;
      line.socket ??= this.#connect(line, serial);
      const socket = await line.socket;
      if (socket) await write(socket, bytes);
    });
  }

  #connect(line: Line, path: string): Promise<Socket | undefined> {
    const connection = tryConnect(path);
    const discard = (): void => {
      if (line.socket === connection) line.socket = undefined;
    };
    void connection.then((socket) => (socket ? socket.once('close', discard) : discard()));
    return connection;
  }
}
