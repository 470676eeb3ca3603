import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { stdioWith } from '../qemu-img.js';
import type { OpenedDisk } from '../stored.js';

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 10;
const MAX_STDERR_BYTES = 64 * 1024;
/** How long the program may take to write out what it has got, once it is told to end. */
const END_TIMEOUT_MS = 60_000;

/** The name of the one export of a server. */
export const SERVED_EXPORT = 'disk';

/**
 * Makes a unix socket to which only this user can connect, and runs a program that accepts connections on it as its
 * descriptor 3: sd_listen_fds(3). The program itself may be untrusted and could put another file in the socket's place.
 */
const LISTEN = `
import os, socket, sys
os.umask(0o177)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(16)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
`;

/** What to serve of a disk. */
export interface Served {
  socket: string;
  writable: boolean;
  /** The bitmap to serve with it. */
  bitmap?: string | undefined;
}

/** A running server. */
export interface DiskServer {
  /** Whether it still serves. */
  isAlive: () => boolean;
  /** Ends it, and resolves once it has closed the disk. */
  end: () => Promise<void>;
}

/** Connects as a client does, and waits for the greeting of the NBD protocol. */
const isReady = async (socket: string): Promise<boolean> => {
  const client = connect(socket);
  try {
    await once(client, 'data', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    return true;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
};

/**
 * Serves a disk over NBD, with qemu-nbd(8) in a sandbox. It ends with this process.
 * @throws with the words of qemu-nbd when it does not start
 */
export const serveDisk = async (
  { name, files, gid }: OpenedDisk,
  { socket, writable, bitmap }: Served,
): Promise<DiskServer> => {
  const options = [
    ...['--persistent', '--shared=16', `--export-name=${SERVED_EXPORT}`],
    ...(writable ? ['--discard=unmap', '--detect-zeroes=unmap'] : ['--read-only']),
    ...(bitmap === undefined ? [] : [`--bitmap=${bitmap}`]),
  ];
  const [program, args] = sandboxed('qemu-nbd', [...options, name], { gid });
  const server = execa('python3', ['-I', '-c', LISTEN, socket, program, ...args], {
    reject: false,
    stdio: stdioWith(files),
    buffer: { stdout: false, stderr: true },
    maxBuffer: MAX_STDERR_BYTES,
    forceKillAfterDelay: END_TIMEOUT_MS,
  });
  let hasEnded = false;
  const ended = server.then((result) => {
    hasEnded = true;
    return result;
  });
  const end = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!hasEnded && performance.now() < deadline) {
    if (await isReady(socket)) return { isAlive: () => !hasEnded, end };
    await sleep(POLL_MS);
  }
  await end();
  const { exitCode, stderr, shortMessage } = await ended;
  const reason = isProgramMissing(exitCode, stderr)
    ? 'install the package qemu-utils'
    : stderr.trim().split('\n').at(-1) || shortMessage || 'no response in time';
  throw new Error(`the disk cannot be served: qemu-nbd: ${reason}`);
};
