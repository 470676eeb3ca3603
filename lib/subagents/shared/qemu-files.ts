import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { exitOf } from '../../process/child-exit.js';
import { endingWithParent, isProgramMissing } from '../../process/with-parent.js';
import type { QmpClient } from '../../qmp/client.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { SharedGuestPaths } from './guest-run-dir.js';

const TIMEOUT_MS = 15_000;
/** The first descriptor after standard input, output and error. */
const FIRST_FD = 3;

/**
 * Sends one command to QEMU for each file that it inherits, over a monitor of its own, and prints the responses. The last
 * command may bring a socket instead, which it makes and listens on. Node.js cannot send descriptors (SCM_RIGHTS in
 * unix(7)); Python's `socket.send_fds` can, since 3.9.
 */
const SEND = `
import json, os, socket, sys
path, first, commands, listen = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
fds = [first + n for n in range(len(commands))]
if listen:
    os.umask(0o177)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen)
    listener.listen(16)
    fds[-1] = listener.fileno()
monitor = socket.socket(socket.AF_UNIX)
monitor.settimeout(10)
monitor.connect(path)
lines = monitor.makefile()
def ask(command, fds=()):
    socket.send_fds(monitor, [json.dumps(command).encode()], fds)
    while True:
        reply = json.loads(lines.readline(65536) or sys.exit("QEMU closed the connection"))
        if "return" in reply or "error" in reply:
            return reply
lines.readline(65536)
ask({"execute": "qmp_capabilities"})
print(json.dumps([ask(command, [fd]) for command, fd in zip(commands, fds)]))
`;

type Monitor = Pick<SharedGuestPaths, 'qmpStorage'>;

interface Command {
  execute: string;
  arguments?: Record<string, unknown>;
}

interface Response {
  return?: { 'fdset-id'?: number };
  error?: { desc: string };
}

/** @param listenOn the path of the socket that the last command brings */
const send = async (
  { qmpStorage }: Monitor,
  commands: readonly Command[],
  files: readonly FileHandle[],
  listenOn = '',
): Promise<Response[]> => {
  const args = [qmpStorage, `${FIRST_FD}`, JSON.stringify(commands), listenOn];
  const [program, ...rest] = endingWithParent('KILL', ['python3', '-I', '-c', SEND, ...args]);
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe', ...files.map(({ fd }) => fd)],
    timeout: TIMEOUT_MS,
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const exit = exitOf(child);
  const [output, errors, { exitCode, reason }] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exit,
  ]);
  if (exitCode === 0) return JSON.parse(output) as Response[];
  if (exitCode === undefined || isProgramMissing(exitCode ?? undefined, errors))
    throw new Refusal(
      'conflict',
      `a running guest can only get a file with python3, which does not start (${reason ?? errors.trim()}): install it, or shut the guest down first`,
    );
  throw new Error(`QEMU did not take a file: ${errors.trim().split('\n').at(-1) || 'no response in time'}`);
};

const FD_SETS = '/dev/fdset/';

/** @throws when QEMU did not take the file */
const nameOf = (path: string, response: Response | undefined): string => {
  const set = response?.return?.['fdset-id'];
  if (typeof set === 'number') return `${FD_SETS}${set}`;
  throw new Error(`QEMU did not take ${path}: ${response?.error?.desc ?? 'it returned no descriptor set'}`);
};

/**
 * Opens files for a running QEMU, which may not open any path: QMP `add-fd`. QEMU keeps each until `removeFile`. No other
 * client of the monitor may be connected.
 * @param flags as QEMU will use the files: it picks a descriptor by its access mode
 * @param prepare runs on each open file
 * @returns the names under which QEMU opens the files, such as `/dev/fdset/7`
 * @throws {Refusal} `conflict` when python3 is not installed
 */
export const addFiles = async (
  monitor: Monitor,
  paths: readonly string[],
  flags: number,
  prepare?: (file: FileHandle) => Promise<void>,
): Promise<string[]> => {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) {
      const file = await open(path, flags);
      files.push(file);
      await prepare?.(file);
    }
    const responses = await send(
      monitor,
      files.map(() => ({ execute: 'add-fd' })),
      files,
    );
    return paths.map((path, index) => nameOf(path, responses[index]));
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
};

/** As `addFiles`, for one file. */
export const addFile = async (
  monitor: Monitor,
  path: string,
  flags: number,
  prepare?: (file: FileHandle) => Promise<void>,
): Promise<string> => {
  const [name = ''] = await addFiles(monitor, [path], flags, prepare);
  return name;
};

/** Lets QEMU close a file from `addFile`, once no block node uses it: QMP `remove-fd`. A set that is gone is no error. */
export const removeFile = async (qemu: Pick<QmpClient, 'execute'>, name: string): Promise<void> => {
  const sets = await qemu.execute<{ 'fdset-id': number }[]>('query-fdsets');
  const set = Number(name.slice(FD_SETS.length));
  if (sets.some(({ 'fdset-id': id }) => id === set)) await qemu.execute('remove-fd', { 'fdset-id': set });
};

/**
 * Makes a unix socket to which only this user can connect, and gives it to a running QEMU to accept connections on: QMP
 * `getfd`. QEMU itself may not create a socket while its guest runs.
 * @param name the name of the descriptor, for QEMU
 * @throws as `addFiles`
 */
export const addListener = async (monitor: Monitor, path: string, name: string): Promise<void> => {
  await rm(path, { force: true });
  const [response] = await send(monitor, [{ execute: 'getfd', arguments: { fdname: name } }], [], path);
  if (response?.error) throw new Error(`QEMU did not take the socket ${path}: ${response.error.desc}`);
};
