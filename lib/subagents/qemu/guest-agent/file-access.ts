import { MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { RunCommand } from './agents.js';

/** The agent takes about 0.2 s for as much, and hangs for longer with more. */
export const PIECE_BYTES = MB;

/** How the agent ends its message about a file that does not exist: strerror(3). */
const NO_SUCH_FILE = /: No such file or directory$/;

/** Opens a file of a guest: `guest-file-open`, with a mode of fopen(3). @returns its handle */
export const openFile = async (run: RunCommand, path: string, mode: string): Promise<number> => {
  try {
    return await run<number>('guest-file-open', { path, mode });
  } catch (error) {
    if (error instanceof Refusal && NO_SUCH_FILE.test(error.message))
      throw new Refusal('not_found', error.message, { cause: error });
    throw error;
  }
};

/** Closes a file. The agent never closes one by itself. */
export const closeFile = (run: RunCommand, handle: number): Promise<unknown> =>
  run('guest-file-close', { handle });

/** Works with an open file and closes it, also after a failure. */
export const withFile = async <Result>(
  run: RunCommand,
  path: string,
  mode: string,
  work: (handle: number) => Promise<Result>,
): Promise<Result> => {
  const handle = await openFile(run, path, mode);
  let result: Result;
  try {
    result = await work(handle);
  } catch (error) {
    await closeFile(run, handle).catch(() => {});
    throw error;
  }
  await closeFile(run, handle);
  return result;
};

export interface Piece {
  bytes: Buffer;
  isLast: boolean;
}

/** Reads the next piece of a file: `guest-file-read`. */
export const readPiece = async (run: RunCommand, handle: number): Promise<Piece> => {
  const response = await run<{ 'buf-b64': string; eof: boolean }>('guest-file-read', {
    handle,
    count: PIECE_BYTES,
  });
  return { bytes: Buffer.from(response['buf-b64'], 'base64'), isLast: response.eof };
};

/** The numbers of lseek(2) for where an offset counts from. */
const FROM_START = 0;
const FROM_END = 2;

const seek = async (run: RunCommand, handle: number, offset: number, whence: number): Promise<number> =>
  (await run<{ position: number }>('guest-file-seek', { handle, offset, whence })).position;

/** Writes a piece at an offset that is at most the size of the file. */
export const writeAt = async (
  run: RunCommand,
  handle: number,
  { path, offset, data }: { path: string; offset: number; data: string },
): Promise<void> => {
  if (offset > 0) {
    const size = await seek(run, handle, 0, FROM_END);
    if (offset > size)
      throw new Refusal(
        'conflict',
        `"offset" must be at most ${size}, the size of ${path} in bytes, got ${offset}: write the pieces of a file in order`,
      );
    await seek(run, handle, offset, FROM_START);
  }
  if (data === '') return;
  const { count } = await run<{ count: number }>('guest-file-write', { handle, 'buf-b64': data });
  const wanted = Buffer.byteLength(data, 'base64');
  // A full disk shows at the flush.
  await run('guest-file-flush', { handle });
  if (count !== wanted)
    throw new Refusal('conflict', `the guest wrote ${count} of ${wanted} bytes to ${path}`);
};
