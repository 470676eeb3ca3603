import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { GuestPaths } from '../layout.js';

interface Line {
  users: number;
  socket: Socket | undefined;
}

/** Whoever types waits no longer than this for a guest that reads nothing. */
const STUCK_MS = 10_000;

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

/**
 * What is typed into guests' serial consoles. QEMU serves one connection at a time, so all who type share one; it is
 * made when somebody types, and again after the guest was off.
 */
export class SerialLines {
  readonly #lines = new Map<string, Line>();

  /** Begins to use a guest's line; end it with `leave`. */
  enter(id: string): void {
    const line = this.#lines.get(id) ?? { users: 0, socket: undefined };
    line.users += 1;
    this.#lines.set(id, line);
  }

  leave(id: string): void {
    const line = this.#lines.get(id);
    if (!line) return;
    line.users -= 1;
    if (line.users > 0) return;
    line.socket?.destroy();
    this.#lines.delete(id);
  }

  /** Types into a guest's console. A guest that is off hears nothing, as a machine without power. */
  async type({ id, serial }: GuestPaths, bytes: Buffer): Promise<void> {
    const line = this.#lines.get(id);
    if (!line) return;
    if (!line.socket?.writable) line.socket = await connect(serial);
    const { socket } = line;
    if (!socket || socket.write(bytes)) return;
    await Promise.race([
      once(socket, 'drain', { signal: AbortSignal.timeout(STUCK_MS) }).catch(() => {}),
      once(socket, 'close'),
    ]);
  }
}
