import { once } from 'node:events';
import { constants, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants;
const CHUNK_BYTES = 64 * 1024;

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

/**
 * Yields what is written to a log until the log is removed, as `tail -f` does. A slow reader lags behind in the file;
 * nothing is buffered for it. A log that was truncated is read from its start.
 * @param scrollback how many of the last bytes to begin with
 */
export async function* followLog(
  path: string,
  scrollback: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = await open(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);
  const watcher = watch(path);
  try {
    let offset = Math.max(0, (await file.stat()).size - scrollback);
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
