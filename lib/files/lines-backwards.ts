import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 64 * 1024;
/** A longer line is the work of a failing disk, and is left out. */
const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

export interface PlacedLine {
  text: string;
  /** Where it begins, in bytes. */
  start: number;
}

/**
 * Yields the lines of an open file from its end to its beginning, in bounded memory.
 * @param end where to begin: the end of a line, in bytes
 */
export async function* linesBackwards(
  file: FileHandle,
  end: number,
): AsyncGenerator<PlacedLine, void, undefined> {
  /** The end of a line whose beginning is not read yet. */
  let rest: Buffer = Buffer.alloc(0);
  for (let position = end; position > 0; ) {
    const from = Math.max(0, position - CHUNK_BYTES);
    const chunk = Buffer.alloc(position - from);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, from);
    const bytes = Buffer.concat([chunk.subarray(0, bytesRead), rest]);
    let to = bytes.length;
    while (to > 1) {
      // The last byte of a line is its own newline.
      const newline = bytes.lastIndexOf(NEWLINE, to - 2);
      if (newline < 0) break;
      yield { text: bytes.toString('utf8', newline + 1, to), start: from + newline + 1 };
      to = newline + 1;
    }
    rest = to > MAX_LINE_BYTES ? Buffer.alloc(0) : bytes.subarray(0, to);
    position = from;
  }
  if (rest.length > 0) yield { text: rest.toString(), start: 0 };
}
