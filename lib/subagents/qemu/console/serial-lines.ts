import { createConnection } from 'node:net';
import pLimit, { type LimitFunction } from 'p-limit';
import type { GuestPaths } from '../layout.js';

interface Line {
  users: number;
  /** Serializes input: one user's bytes wait until the guest has read the previous ones. */
  queue: LimitFunction;
  /** Gives up on input that the guest does not read. */
  ended: AbortController;
}

/** How long the guest has to read what the last user typed before leaving. */
const LAST_INPUT_MS = 5000;

/**
 * Sends input over a connection of its own, and waits until QEMU has taken it and closed its side. While somebody is
 * connected, QEMU also sends the output there, and writes what that connection does not take at once into the log twice.
 * @param signal gives up on a guest that reads nothing
 */
const send = async (path: string, bytes: Buffer, signal: AbortSignal): Promise<void> => {
  const socket = createConnection({ path, signal });
  // Nothing listens when the guest is off, and a QEMU that ends breaks the connection.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // The guest's output is read from its log.
  socket.resume();
  socket.end(bytes);
  await closed;
};

/** Input to guests' serial consoles. QEMU serves one connection at a time, so the users of a guest take turns. */
export class SerialLines {
  readonly #lines = new Map<string, Line>();

  /** Counts a user of a guest's line; call `leave` when the user is done. */
  enter(id: string): void {
    const line = this.#lines.get(id) ?? { users: 0, queue: pLimit(1), ended: new AbortController() };
    line.users += 1;
    this.#lines.set(id, line);
  }

  leave(id: string): void {
    const line = this.#lines.get(id);
    if (!line) return;
    line.users -= 1;
    if (line.users > 0) return;
    this.#lines.delete(id);
    setTimeout(() => line.ended.abort(), LAST_INPUT_MS).unref();
  }

  /**
   * Sends input to a guest's console. Drops it when the guest is off, as a machine without power would.
   * @param signal cancels input that is still queued
   */
  async type({ id, serial }: GuestPaths, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const line = this.#lines.get(id);
    await line?.queue(async () => {
      if (!signal.aborted) await send(serial, bytes, line.ended.signal);
    });
  }
}
