import { once } from 'node:events';
import { constants, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants;
const CHUNK_BYTES = 64 * 1024;

/** What there is from a place on, and the place after it. */
async function* rest(file: FileHandle, from: number): AsyncGenerator<Buffer, number> {
  let place = from;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, place);
    if (bytesRead === 0) return place;
    place += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * What is written to a log, from some bytes before its end on, for as long as it is there. Whoever reads slowly is
 * behind in the file, and nothing is kept for them in memory.
 * @param scrollback bytes
 */
export async function* followLog(
  path: string,
  scrollback: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = await open(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);
  const watcher = watch(path);
  try {
    let place = Math.max(0, (await file.stat()).size - scrollback);
    for (;;) {
      // Asked for before the look: what is written after it is a change.
      const change = once(watcher, 'change', { signal });
      change.catch(() => {});
      place = yield* rest(file, place);
      const { size, nlink } = await file.stat();
      if (nlink === 0) return;
      if (size === place) await change;
      // A log that has grown too long begins anew.
      else if (size < place) place = 0;
    }
  } finally {
    watcher.close();
    await file.close();
  }
}
