import type { BoundedReader } from './bounded-reader.js';
import type { Header } from './header.js';

/** Where the fields are in an entry of the snapshot table: docs/interop/qcow2.txt of QEMU. */
const ENTRY_BYTES = 40;
const ENTRY = {
  ...{ l1: 0, l1Size: 8, idLength: 12, nameLength: 14, seconds: 16, nanoseconds: 20, extraLength: 36 },
};

/** Room for some hundred entries. */
const PIECE_BYTES = 2 ** 15;

/** A snapshot in the file's table. qcow2 itself assigns the id, a number. */
export interface Entry {
  id: string;
  name: string;
  /** When it was taken, in seconds since 1970. */
  'date-sec': number;
  'date-nsec': number;
  l1: number;
  /** How many tables its first table refers to. */
  l1Size: number;
}

/** Reads short parts of a file that lie close together in few reads. */
const readInPieces = (file: BoundedReader): ((position: number, length: number) => Promise<Buffer>) => {
  let start = 0;
  let piece: Buffer = Buffer.alloc(0);
  return async (position, length) => {
    if (position < start || position + length > start + piece.length) {
      [start, piece] = [position, await file.readUpTo(position, Math.max(length, PIECE_BYTES))];
      if (piece.length < length) throw new RangeError(`the file ends ${length - piece.length} bytes early`);
    }
    return piece.subarray(position - start, position - start + length);
  };
};

/** Reads the table of snapshots, in the order of their creation. */
export const readEntries = async (
  file: BoundedReader,
  { snapshots, snapshotCount }: Header,
): Promise<Entry[]> => {
  const entries: Entry[] = [];
  const read = readInPieces(file);
  for (let at = snapshots; entries.length < snapshotCount; ) {
    const entry = await read(at, ENTRY_BYTES);
    const idAt = at + ENTRY_BYTES + entry.readUInt32BE(ENTRY.extraLength);
    const idLength = entry.readUInt16BE(ENTRY.idLength);
    const nameLength = entry.readUInt16BE(ENTRY.nameLength);
    const names = await read(idAt, idLength + nameLength);
    entries.push({
      id: names.toString('utf8', 0, idLength),
      name: names.toString('utf8', idLength),
      'date-sec': entry.readUInt32BE(ENTRY.seconds),
      'date-nsec': entry.readUInt32BE(ENTRY.nanoseconds),
      l1: Number(entry.readBigUInt64BE(ENTRY.l1)),
      l1Size: entry.readUInt32BE(ENTRY.l1Size),
    });
    at = Math.ceil((idAt + idLength + nameLength) / 8) * 8;
  }
  return entries;
};
