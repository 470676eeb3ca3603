import type { BoundedReader } from './bounded-reader.js';

/** Where the fields are in the header and in an entry of the snapshot table: docs/interop/qcow2.txt of QEMU. */
const MAGIC = 0x514649fb;
const HEADER_BYTES = 104;
const HEADER = {
  ...{ version: 4, clusterBits: 20, refcountTable: 48, refcountTableClusters: 56 },
  ...{ snapshotCount: 60, snapshots: 64, incompatible: 72, refcountOrder: 96 },
};
const ENTRY_BYTES = 40;
const ENTRY = {
  ...{ l1: 0, l1Size: 8, idLength: 12, nameLength: 14, seconds: 16, nanoseconds: 20, extraLength: 36 },
};

/** Room for some hundred entries. */
const PIECE_BYTES = 2 ** 15;

/** A compression type is the only feature that does not change what is counted here. */
const KNOWN_FEATURES = 8n;
/** Refcounts of 16 bits, as QEMU writes them by default. */
const REFCOUNT_ORDER = 4;

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

export interface Header {
  clusterBytes: number;
  refcountTable: number;
  refcountTableClusters: number;
  snapshotCount: number;
  snapshots: number;
}

/** Reads the header; `undefined` when the file has features that guests' disks do not have. */
export const readHeader = async (file: BoundedReader): Promise<Header | undefined> => {
  const header = await file.read(0, HEADER_BYTES);
  const features = header.readBigUInt64BE(HEADER.incompatible);
  const isKnown =
    header.readUInt32BE(0) === MAGIC &&
    header.readUInt32BE(HEADER.version) === 3 &&
    (features & ~KNOWN_FEATURES) === 0n &&
    header.readUInt32BE(HEADER.refcountOrder) === REFCOUNT_ORDER;
  if (!isKnown) return undefined;
  return {
    clusterBytes: 2 ** header.readUInt32BE(HEADER.clusterBits),
    refcountTable: Number(header.readBigUInt64BE(HEADER.refcountTable)),
    refcountTableClusters: header.readUInt32BE(HEADER.refcountTableClusters),
    snapshotCount: header.readUInt32BE(HEADER.snapshotCount),
    snapshots: Number(header.readBigUInt64BE(HEADER.snapshots)),
  };
};

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
