import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { DataMap } from '../data-map.js';
import { stdioWith } from '../qemu-img.js';
import type { GuestFile } from './guest-file.js';
import { killGroup, serveSnapshot } from './nbd.js';

/** A line of `nbdinfo --map`: start and length in bytes, flags, and their meaning. */
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\b/;
/** The flag of the meta context `base:allocation` for what reads as zeros: the NBD protocol, `NBD_STATE_ZERO`. */
const ZERO = 2;

/**
 * Finds out which parts of a snapshot have data with nbdinfo(1), which reads the tables alone.
 * @param size bytes of the snapshot's disk
 */
export const mapSnapshot = async (
  file: GuestFile,
  snapshot: { id: string; name: string },
  size: number,
  signal: AbortSignal,
): Promise<DataMap> => {
  const map = new DataMap(size);
  const command = sandboxed('nbdinfo', ['--map', '--', ...serveSnapshot(file, snapshot)], { gid: file.gid });
  const list = execa(...command, {
    reject: false,
    stdio: stdioWith(file.files),
    buffer: { stdout: false, stderr: true },
    env: { LC_ALL: 'C' },
    detached: true,
  });
  const stop = (): void => killGroup(list.pid);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of createInterface({ input: list.stdout })) {
      const [start, length, flags] = (LINE.exec(line)?.slice(1) ?? []).map(Number);
      if (start === undefined || length === undefined || flags === undefined)
        throw new Error(`nbdinfo printed "${line.slice(0, 100)}"`);
      if ((flags & ZERO) === 0) map.add(start, length);
    }
    const { failed, exitCode, stderr } = await list;
    signal.throwIfAborted();
    if (!failed) return map;
    const reason = isProgramMissing(exitCode, stderr) ? 'install the package libnbd-bin' : stderr.trim();
    throw new Error(`the snapshot cannot be read: nbdinfo: ${reason}`);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
};
