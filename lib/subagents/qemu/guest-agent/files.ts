import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_FILE_MODE, type FilePiece, type FileWritten } from '../../../model/in-guest.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestAgents, RunCommand } from './agents.js';
import { programStatus, startProgram } from './exec.js';
import { closeFile, openFile, readPiece, withFile, writeAt } from './file-access.js';

const POLL_MS = 20;
/** How long setting the permissions of a file may take. */
const SET_MODE_MS = 5000;

/** Makes a file that does not exist, which nobody else can open, and then sets its permissions. */
const SET_MODE = 'umask 077 && : >> "$1" && chmod "$2" "$1"';

/** The id of Windows in `guest-get-osinfo`, where files have no such permissions. */
const WINDOWS = 'mswindows';

const isWindows = async (run: RunCommand): Promise<boolean> =>
  (await run<{ id?: string }>('guest-get-osinfo').catch(() => ({ id: '' }))).id === WINDOWS;

const setMode = async (run: RunCommand, path: string, mode: string): Promise<void> => {
  const pid = await startProgram(run, { command: ['/bin/sh', '-c', SET_MODE, 'sh', path, mode] });
  const deadline = performance.now() + SET_MODE_MS;
  for (;;) {
    const { exited, exitCode, stderr } = await programStatus(run, pid);
    if (exitCode === 0) return;
    if (exited || performance.now() > deadline)
      throw new Refusal(
        'conflict',
        `the permissions of ${path} could not be set to ${mode}: ${stderr.trim() || 'chmod did not end well'}`,
      );
    await delay(POLL_MS);
  }
};

const exists = async (run: RunCommand, path: string): Promise<boolean> => {
  try {
    await withFile(run, path, 'r', async () => undefined);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'not_found') return false;
    throw error;
  }
};

/** Gives a file its permissions before its content: the agent makes new files that every user can write. */
const prepare = async (run: RunCommand, path: string, wanted: string | undefined): Promise<void> => {
  if (await isWindows(run)) return;
  const mode = wanted ?? ((await exists(run, path)) ? undefined : DEFAULT_FILE_MODE);
  if (mode !== undefined) await setMode(run, path, mode);
};

/**
 * Writes a piece of a file in a guest. The first piece replaces the file, and is on its disk's cache when this resolves.
 * @throws {Refusal} `not_found` for a directory that does not exist, `conflict` for what else the guest refuses
 */
export const writeFile = (
  agents: GuestAgents,
  id: string,
  { path, offset = 0, mode, data }: FilePiece,
  signal: AbortSignal,
): Promise<FileWritten> =>
  agents.use(
    id,
    async (run) => {
      if (offset === 0) await prepare(run, path, mode);
      await withFile(run, path, offset === 0 ? 'w' : 'r+', (handle) =>
        writeAt(run, handle, { path, offset, data }),
      );
      return { size: offset + Buffer.byteLength(data, 'base64') };
    },
    signal,
  );

/** Reads the pieces of an open file, each over a connection of its own, and closes it. */
async function* restOf(agents: GuestAgents, id: string, handle: number): AsyncGenerator<Buffer> {
  let isLast = false;
  try {
    while (!isLast) {
      const piece = await agents.use(id, (run) => readPiece(run, handle));
      isLast = piece.isLast;
      yield piece.bytes;
    }
  } finally {
    await agents.use(id, (run) => closeFile(run, handle)).catch(() => {});
  }
}

/**
 * Reads a file of a guest, as fast as the caller takes it.
 * @throws {Refusal} `not_found` for a file that does not exist, `conflict` for what the guest refuses
 */
export const readFile = async (
  agents: GuestAgents,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<ByteStream> => {
  const { first, handle } = await agents.use(
    id,
    async (run) => {
      const opened = await openFile(run, path, 'r');
      try {
        const piece = await readPiece(run, opened);
        if (piece.isLast) await closeFile(run, opened);
        return { first: piece, handle: opened };
      } catch (error) {
        await closeFile(run, opened).catch(() => {});
        throw error;
      }
    },
    signal,
  );
  if (first.isLast)
    return { bytes: Readable.from([first.bytes], { objectMode: false }), length: first.bytes.length };
  const pieces = async function* (): AsyncGenerator<Buffer> {
    yield first.bytes;
    yield* restOf(agents, id, handle);
  };
  return { bytes: Readable.from(pieces(), { objectMode: false }) };
};
