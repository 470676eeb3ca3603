import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, chown, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { moveIntoPlace, OWNER_ONLY } from '../../../files/atomic-files.js';
import type { GuestPaths } from '../layout.js';
import { draftOf } from './saved-memory.js';

/** QEMU's user has the group of the run directory. */
const GROUP_MAY_CONNECT = 0o660;

export interface ReceiveOptions {
  /** The user and group of the guest's QEMU. */
  uid: number | undefined;
  /** A guest that took over its QEMU could send without end. */
  maxBytes: number;
  /** Ends the transfer. */
  signal: AbortSignal;
  onBytes: (done: number) => void;
}

const counted = (maxBytes: number, onBytes: (done: number) => void): Transform => {
  let done = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      done += chunk.length;
      onBytes(done);
      callback(done > maxBytes ? new Error(`QEMU sent more than ${maxBytes} bytes of memory`) : null, chunk);
    },
  });
};

/** Accepts one connection, and no other after it. */
const accept = async (server: Server, signal: AbortSignal): Promise<Socket> => {
  const [socket] = (await once(server, 'connection', { signal })) as [Socket];
  server.close();
  return socket;
};

/** Listens where only the guest's QEMU can connect. */
const listen = async (
  server: Server,
  { memorySocket }: Pick<GuestPaths, 'memorySocket'>,
  uid: number | undefined,
): Promise<void> => {
  server.listen(memorySocket);
  await once(server, 'listening');
  if (uid !== undefined) await chown(memorySocket, process.getuid?.() ?? 0, uid);
  await chmod(memorySocket, GROUP_MAY_CONNECT);
};

const write = (
  socket: Socket,
  draft: string,
  { maxBytes, onBytes }: ReceiveOptions,
  signal: AbortSignal,
): Promise<void> => {
  const file = createWriteStream(draft, { flags: 'wx', mode: OWNER_ONLY });
  return pipeline(socket, counted(maxBytes, onBytes), file, { signal });
};

/** Runs two parts of one transfer. When one of them fails, the other ends too, and the first failure is thrown. */
const together = async (
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
  outer: AbortSignal,
): Promise<void> => {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  await Promise.all(parts.map((part) => part(signal).catch((error: unknown) => stop.abort(error))));
  signal.throwIfAborted();
};

/**
 * Receives a guest's memory over a socket in its run directory. The file is in place once all of it is on the disk.
 * @param send lets QEMU connect to the socket, and resolves when QEMU says that it has sent all
 * @returns the number of bytes
 * @throws when the transfer fails; no file is left then
 */
export const receiveMemory = async (
  paths: Pick<GuestPaths, 'memory' | 'memorySocket'>,
  options: ReceiveOptions,
  send: (signal: AbortSignal) => Promise<void>,
): Promise<number> => {
  const draft = draftOf(paths);
  await rm(paths.memorySocket, { force: true });
  await rm(draft, { force: true });
  const server = createServer();
  try {
    await listen(server, paths, options.uid);
    const receive = async (signal: AbortSignal): Promise<void> =>
      write(await accept(server, signal), draft, options, signal);
    await together([receive, send], options.signal);
    const { size } = await stat(draft);
    await moveIntoPlace(draft, paths.memory);
    return size;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    server.close();
    await rm(paths.memorySocket, { force: true });
  }
};
