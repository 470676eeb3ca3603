import { once } from 'node:events';
import { addAbortSignal, PassThrough, type Readable } from 'node:stream';
import { execa } from 'execa';
import { firstBytes } from '../../../async/first-bytes.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import { killGroup } from '../../../process/kill-group.js';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { type OpenFile, stdioWith } from '../qemu-img.js';

const MAX_STDERR_BYTES = 64 * 1024;

/** A disk that the tools of libnbd read from a qemu-nbd(8) that they start. */
export interface NbdSource {
  /** The arguments of qemu-nbd beside `-r`: what it serves. */
  serve: readonly string[];
  /** The files that it inherits. */
  files: readonly OpenFile[];
  /** The group of the sandbox: see `sandboxed`. */
  gid: number | undefined;
}

/** The arguments by which the tools of libnbd start the qemu-nbd of a source. */
export const serverOf = ({ serve }: NbdSource): readonly string[] => ['[', 'qemu-nbd', '-r', ...serve, ']'];

/**
 * Streams a disk's raw bytes through nbdcopy(1) and qemu-nbd(8), without a copy and at constant memory. The stream
 * ends only after nbdcopy has succeeded. Destroying the stream, or aborting `signal`, kills both programs.
 */
export const streamDisk = (source: NbdSource, signal: AbortSignal): Promise<Readable> => {
  const copy = execa(...sandboxed('nbdcopy', ['--', ...serverOf(source), '-'], { gid: source.gid }), {
    reject: false,
    stdio: stdioWith(source.files),
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
    else if (!out.destroyed) out.destroy(new Error(`the disk cannot be read: nbdcopy: ${reason}`));
  };
  finish().catch((error: Error) => out.destroy(error));
  return firstBytes(addAbortSignal(signal, out));
};
