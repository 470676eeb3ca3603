import type { BoundedReader } from './bounded-reader.js';

/** Where the fields are in the header: docs/interop/qcow2.txt of QEMU. */
const MAGIC = 0x514649fb;
const HEADER_BYTES = 104;
const FIELD = {
  ...{ version: 4, backing: 8, clusterBits: 20, virtualSize: 24, encryption: 32, l1Size: 36, l1: 40 },
  ...{ refcountTable: 48, refcountTableClusters: 56, snapshotCount: 60, snapshots: 64 },
  ...{ incompatible: 72, refcountOrder: 96 },
};

/** A compression type is the only feature that does not change what is read here. */
const KNOWN_FEATURES = 8n;
/** Refcounts of 16 bits, as QEMU writes them by default. */
const REFCOUNT_ORDER = 4;

export interface Header {
  clusterBytes: number;
  /** Bytes of the disk. */
  virtualSize: number;
  hasBackingFile: boolean;
  isEncrypted: boolean;
  /** The table of tables, and how many it refers to. */
  l1: number;
  l1Size: number;
  refcountTable: number;
  refcountTableClusters: number;
  snapshotCount: number;
  snapshots: number;
}

/** Reads the header; `undefined` when the file has features that the files of this store do not have. */
export const readHeader = async (file: BoundedReader): Promise<Header | undefined> => {
  const header = await file.read(0, HEADER_BYTES);
  const features = header.readBigUInt64BE(FIELD.incompatible);
  const isKnown =
    header.readUInt32BE(0) === MAGIC &&
    header.readUInt32BE(FIELD.version) === 3 &&
    (features & ~KNOWN_FEATURES) === 0n &&
    header.readUInt32BE(FIELD.refcountOrder) === REFCOUNT_ORDER;
  if (!isKnown) return undefined;
  return {
    clusterBytes: 2 ** header.readUInt32BE(FIELD.clusterBits),
    virtualSize: Number(header.readBigUInt64BE(FIELD.virtualSize)),
    hasBackingFile: header.readBigUInt64BE(FIELD.backing) !== 0n,
    isEncrypted: header.readUInt32BE(FIELD.encryption) !== 0,
    l1: Number(header.readBigUInt64BE(FIELD.l1)),
    l1Size: header.readUInt32BE(FIELD.l1Size),
    refcountTable: Number(header.readBigUInt64BE(FIELD.refcountTable)),
    refcountTableClusters: header.readUInt32BE(FIELD.refcountTableClusters),
    snapshotCount: header.readUInt32BE(FIELD.snapshotCount),
    snapshots: Number(header.readBigUInt64BE(FIELD.snapshots)),
  };
};

/** The parts of an entry of a table, in its two halves; the other bits are flags. */
const OFFSET = { high: 0x00ff_ffff, low: 0xffff_fe00 };
const COMPRESSED_HIGH = 0x4000_0000;
const ZERO_LOW = 1;

/** Returns the offset to which an entry of a table refers; 0 for none. */
export const offsetAt = (table: Buffer, at: number): number =>
  (table.readUInt32BE(at) & OFFSET.high) * 2 ** 32 + ((table.readUInt32BE(at + 4) & OFFSET.low) >>> 0);

export const isCompressedAt = (table: Buffer, at: number): boolean =>
  (table.readUInt32BE(at) & COMPRESSED_HIGH) !== 0;

/** Whether the cluster of an entry reads as zeros, although it may refer to one. */
export const isZeroAt = (table: Buffer, at: number): boolean => (table.readUInt32BE(at + 4) & ZERO_LOW) !== 0;
