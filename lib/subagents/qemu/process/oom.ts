import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { isErrno } from '../../../errors.js';
import type { GuestPaths } from '../layout.js';

/** A record of /dev/kmsg is at most this long. */
const MAX_RECORD_BYTES = 8192;
/** Clock ticks of proc(5) per second, the same on all Linux systems with x86. */
const TICKS_PER_SECOND = 100;
const MICROSECONDS = 1_000_000;

/** A record: `priority,sequence,microseconds since boot,flags;message`. */
const OOM_KILL = /^\d+,\d+,(\d+),.*?Killed process (\d+) /;

/** Reads the next record; `undefined` after the last one. */
const nextRecord = async (log: FileHandle, buffer: Buffer): Promise<string | undefined> => {
  for (;;) {
    try {
      const { bytesRead } = await log.read(buffer, 0, buffer.length, null);
      return bytesRead === 0 ? undefined : buffer.toString('utf8', 0, bytesRead);
    } catch (error) {
      // EPIPE: records were overwritten meanwhile, and the next read continues after them.
      if (!isErrno(error, 'EPIPE')) return undefined;
    }
  }
};

const hasRecord = async (pid: number, since: number): Promise<boolean> => {
  const log = await open('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(MAX_RECORD_BYTES);
    for (let record = await nextRecord(log, buffer); record !== undefined; ) {
      const [, time, killed] = OOM_KILL.exec(record) ?? [];
      if (Number(killed) === pid && Number(time) >= since) return true;
      record = await nextRecord(log, buffer);
    }
    return false;
  } finally {
    await log.close();
  }
};

/**
 * Whether the kernel killed a guest's QEMU for lack of memory, according to its log (proc(5), /proc/vmstat; /dev/kmsg).
 * False when the log cannot be read. Call it before the run directory is removed.
 */
export const wasOomKilled = async ({
  pid,
  started,
}: Pick<GuestPaths, 'pid' | 'started'>): Promise<boolean> => {
  try {
    // Reading the whole log takes a moment, and most hosts have never run out of memory.
    if (!/^oom_kill [1-9]/m.test(await readFile('/proc/vmstat', 'utf8'))) return false;
    const [id, ticks] = await Promise.all([readFile(pid, 'utf8'), readFile(started, 'utf8')]);
    return await hasRecord(Number(id), (Number(ticks) / TICKS_PER_SECOND) * MICROSECONDS);
  } catch {
    return false;
  }
};
