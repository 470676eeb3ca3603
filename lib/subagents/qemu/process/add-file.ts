import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { exitOf } from '../../../process/child-exit.js';
import { endingWithParent, isProgramMissing } from '../../../process/with-parent.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';

const TIMEOUT_MS = 15_000;

/**
 * Sends its standard input to QEMU over a monitor of its own and prints the response to `add-fd`. Node.js cannot send
 * descriptors (SCM_RIGHTS in unix(7)); Python's `socket.send_fds` can, since 3.9.
 */
const SEND = `
import json, socket, sys
monitor = socket.socket(socket.AF_UNIX)
monitor.settimeout(10)
monitor.connect(sys.argv[1])
lines = monitor.makefile()
def ask(command, fds=()):
    socket.send_fds(monitor, [json.dumps({"execute": command}).encode()], fds)
    while True:
        reply = json.loads(lines.readline(65536) or sys.exit("QEMU closed the connection"))
        if "return" in reply or "error" in reply:
            return reply
lines.readline(65536)
ask("qmp_capabilities")
print(json.dumps(ask("add-fd", [0])))
`;

const send = async (socketPath: string, file: FileHandle): Promise<string> => {
  const [program, ...args] = endingWithParent('KILL', ['python3', '-I', '-c', SEND, socketPath]);
  const child = spawn(program, args, {
    stdio: [file.fd, 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const exit = exitOf(child);
  const [output, errors, { exitCode, reason }] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exit,
  ]);
  if (exitCode === 0) return output;
  if (exitCode === undefined || isProgramMissing(exitCode ?? undefined, errors))
    throw new Refusal(
      'conflict',
      `a running guest can only get a file with python3, which does not start (${reason ?? errors.trim()}): install it, or shut the guest down first`,
    );
  throw new Error(`QEMU did not take a file: ${errors.trim().split('\n').at(-1) || 'no response in time'}`);
};

/**
 * Opens a file for a running QEMU, which may not open any path: QMP `add-fd`. QEMU keeps it until `removeFile`.
 * @param flags as QEMU will use the file: it picks a descriptor by its access mode
 * @param prepare runs on the open file
 * @returns the name under which QEMU opens the file, such as `/dev/fdset/7`
 * @throws {Refusal} `conflict` when python3 is not installed
 */
export const addFile = async (
  { qmpStorage }: GuestPaths,
  path: string,
  flags: number,
  prepare?: (file: FileHandle) => Promise<void>,
): Promise<string> => {
  const file = await open(path, flags);
  try {
    await prepare?.(file);
    const response = JSON.parse(await send(qmpStorage, file)) as {
      return?: { 'fdset-id': number };
      error?: { desc: string };
    };
    const set = response.return?.['fdset-id'];
    if (typeof set !== 'number')
      throw new Error(
        `QEMU did not take ${path}: ${response.error?.desc ?? 'it returned no descriptor set'}`,
      );
    return `${FD_SETS}${set}`;
  } finally {
    await file.close();
  }
};

const FD_SETS = '/dev/fdset/';

interface Executor {
  execute: (command: string, args?: Record<string, unknown>) => Promise<unknown>;
}

/** Lets QEMU close a file from `addFile`, once no block node uses it: QMP `remove-fd`. A set that is gone is no error. */
export const removeFile = async (qemu: Executor, name: string): Promise<void> => {
  const sets = (await qemu.execute('query-fdsets')) as { 'fdset-id': number }[];
  const set = Number(name.slice(FD_SETS.length));
  if (sets.some(({ 'fdset-id': id }) => id === set)) await qemu.execute('remove-fd', { 'fdset-id': set });
};
