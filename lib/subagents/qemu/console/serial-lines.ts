import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import pLimit, { type LimitFunction } from 'p-limit';
import type { GuestPaths } from '../layout.js';

interface Line {
  users: number;
  /** Whoever types waits until the guest has taken what the one before has typed. */
  turn: LimitFunction;
  /** Whoever types first has it made. */
  socket: Promise<Socket | undefined> | undefined;
}

const connect = async (path: string): Promise<Socket | undefined> => {
  const socket = createConnection({ path });
  socket.on('error', () => {});
  // What the guest says is in its log.
  socket.resume();
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
};

/** Resolves when QEMU has taken them, or is gone: a guest that reads nothing holds up whoever types. */
const write = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });

/**
 * What is typed into guests' serial consoles. QEMU serves one connection at a time, so all who type share one; it is
 * made when somebody types, and again after the guest was off.
 */
export class SerialLines {
  readonly #lines = new Map<string, Line>();

  /** Begins to use a guest's line; end it with `leave`. */
  enter(id: string): void {
    const line = this.#lines.get(id) ?? { users: 0, turn: pLimit(1), socket: undefined };
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
   * Types into a guest's console. A guest that is off hears nothing, as a machine without power.
   * @param signal takes back what has not been typed yet
   */
  async type({ id, serial }: GuestPaths, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const line = this.#lines.get(id);
    await line?.turn(async () => {
      if (signal.aborted) return;
      line.socket ??= this.#connect(line, serial);
      const socket = await line.socket;
      if (socket) await write(socket, bytes);
    });
  }

  #connect(line: Line, path: string): Promise<Socket | undefined> {
    const made = connect(path);
    const forget = (): void => {
      if (line.socket === made) line.socket = undefined;
    };
    void made.then((socket) => (socket ? socket.once('close', forget) : forget()));
    return made;
  }
}
