import { once } from 'node:events';
import { constants, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants;
const CHUNK_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** Yields the file's content from `start` on and returns the offset of its end. */
async function* readFrom(file: FileHandle, start: number): AsyncGenerator<Buffer, number> {
  let offset = start;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return offset;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Where to begin: with some of the last bytes, with some of the last lines, or at the start of the file. */
export type LogStart = { bytes: number } | { lines: number } | 'first';

/** Returns the offset of the last lines. A last line without an end counts as one. */
const offsetOfLines = async (file: FileHandle, size: number, lines: number): Promise<number> => {
  if (lines === 0) return size;
  let missing = lines;
  for (let end = size; end > 0; end -= Math.min(end, CHUNK_BYTES)) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(end - start), 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The end of the last line begins no further one.
      if (buffer[at] !== LINE_FEED || start + at === size - 1) continue;
      missing -= 1;
      if (missing === 0) return start + at + 1;
    }
  }
  return 0;
};

const offsetOf = async (file: FileHandle, start: LogStart): Promise<number> => {
  if (start === 'first') return 0;
  const { size } = await file.stat();
  return 'bytes' in start ? Math.max(0, size - start.bytes) : offsetOfLines(file, size, start.lines);
};

/** Opens a log, which does not exist before the guest's first start. */
const openLog = (path: string): Promise<FileHandle> => open(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);

/** Yields what a log has now. */
export async function* readLog(path: string, start: LogStart): AsyncGenerator<Buffer> {
  const file = await openLog(path);
  try {
    yield* readFrom(file, await offsetOf(file, start));
  } finally {
    await file.close();
  }
}

/**
 * Yields what is written to a log until the log is removed, as `tail -f` does. A slow reader lags behind in the file;
 * nothing is buffered for it. A log that was truncated is read from its start.
 */
export async function* followLog(path: string, start: LogStart, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await openLog(path);
  const watcher = watch(path);
  try {
    let offset = await offsetOf(file, start);
    for (;;) {
      // Listen before reading: a write after the read must not be missed.
      const change = once(watcher, 'change', { signal });
      change.catch(() => {});
      offset = yield* readFrom(file, offset);
      const { size, nlink } = await file.stat();
      if (nlink === 0) return;
      if (size === offset) await change;
      else if (size < offset) offset = 0;
    }
  } finally {
    watcher.close();
    await file.close();
  }
}
