import { once } from 'node:events';
import { addAbortSignal, PassThrough, type Readable } from 'node:stream';
import { execa } from 'execa';
import { firstBytes } from '../../../async/first-bytes.js';
import { isErrno } from '../../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { stdioWith } from '../qemu-img.js';
import type { GuestFile } from './guest-file.js';

const MAX_STDERR_BYTES = 64 * 1024;

/** Kills a process group if it still exists. */
export const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
};

/** The arguments by which the tools of libnbd read a snapshot from a qemu-nbd that they start. */
export const serveSnapshot = (
  { onImage }: GuestFile,
  snapshot: { id: string; name: string },
): readonly string[] => {
  const load = `--load-snapshot=snapshot.id=${snapshot.id},snapshot.name=${snapshot.name}`;
  // A QEMU that writes to the disk never touches the clusters of a snapshot.
  return ['[', 'qemu-nbd', '-r', load, onImage(), ']'];
};

/**
 * Streams a snapshot's raw bytes through nbdcopy(1) and qemu-nbd(8), without a copy and at constant memory. The stream
 * ends only after nbdcopy has succeeded. Destroying the stream, or aborting `signal`, kills both programs.
 */
export const streamSnapshot = (
  file: GuestFile,
  snapshot: { id: string; name: string },
  signal: AbortSignal,
): Promise<Readable> => {
  const args = ['--', ...serveSnapshot(file, snapshot), '-'];
  const copy = execa(...sandboxed('nbdcopy', args, { gid: file.gid }), {
    reject: false,
    stdio: stdioWith(file.files),
    buffer: { stdout: false, stderr: true },
    maxBuffer: MAX_STDERR_BYTES,
    // Its own process group, so that killing the group also kills qemu-nbd, nbdcopy's child.
    detached: true,
  });
  const out = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES });
  const drained = once(copy.stdout, 'close');
  out.once('close', () => {
    killGroup(copy.pid);
    copy.stdout.destroy();
  });
  copy.stdout.pipe(out, { end: false });
  const finish = async (): Promise<void> => {
    const [result] = await Promise.all([copy, drained]);
    const reason = isProgramMissing(result.exitCode, result.stderr)
      ? 'install the package libnbd-bin'
      : result.stderr.trim();
    if (!result.failed) out.end();
    else if (!out.destroyed) out.destroy(new Error(`the snapshot cannot be read: nbdcopy: ${reason}`));
  };
  finish().catch((error: Error) => out.destroy(error));
  return firstBytes(addAbortSignal(signal, out));
};
