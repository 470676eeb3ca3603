import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { killGroup } from '../../../process/kill-group.js';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { DataMap } from '../../shared/disk/data-map.js';
import { stdioWith } from '../qemu-img.js';
import { type NbdSource, serverOf } from './stream.js';

/** A line of `nbdinfo --map`: start and length in bytes, flags, and their meaning. */
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\b/;
/** The flag of the meta context `base:allocation` for what reads as zeros: the NBD protocol, `NBD_STATE_ZERO`. */
const ZERO = 2;

/**
 * Finds out which parts of a disk have data with nbdinfo(1), which reads the tables alone.
 * @param size bytes of the disk
 */
export const mapDisk = async (source: NbdSource, size: number, signal: AbortSignal): Promise<DataMap> => {
  const map = new DataMap(size);
  const command = sandboxed('nbdinfo', ['--map', '--', ...serverOf(source)], { gid: source.gid });
  const list = execa(...command, {
    reject: false,
    stdio: stdioWith(source.files),
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
    throw new Error(`the disk cannot be read: nbdinfo: ${reason}`);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
};
