import { type FileHandle, open } from 'node:fs/promises';

/** The granularity of holes, in bytes. */
const PIECE_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE_BYTES);

const isZero = (piece: Buffer): boolean => piece.equals(ZEROS.subarray(0, piece.length));

const writeAll = async (file: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  let written = 0;
  while (written < bytes.length) {
    const rest = bytes.length - written;
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten;
  }
};

/**
 * Writes a file with holes in place of zeros, since disks are mostly empty. Truncates an existing file.
 * @returns the size in bytes
 */
export const writeSparse = async (bytes: AsyncIterable<Buffer>, path: string): Promise<number> => {
  const file = await open(path, 'w', 0o600);
  try {
    let size = 0;
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        if (!isZero(piece)) await writeAll(file, piece, size + at);
      }
      size += chunk.length;
    }
    await file.truncate(size);
    return size;
  } finally {
    await file.close();
  }
};
