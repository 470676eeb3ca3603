import { Readable } from 'node:stream';
import { parseSnapshotId, type Snapshot, type SnapshotIdParts, snapshotId } from '../../../model/snapshot.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotRequest, SnapshotResponse } from '../../../rpc/protocol/snapshot-messages.js';

const SIZE_MB = 64;
const NAMES = ['before-upgrade', 'nightly'];

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 16;

const parse = (id: string): SnapshotIdParts => {
  const parts = parseSnapshotId(id);
  if (!parts)
    throw new Refusal('invalid', `"${id}" is not a snapshot id: it must look like guests/GUEST/disk-0@NAME`);
  return parts;
};

const named = ({ guest, disk }: SnapshotIdParts, name: string, description = ''): Snapshot => ({
  id: snapshotId(guest, disk ?? '0', name),
  size: SIZE_MB,
  ...(description === '' ? {} : { description }),
});

export const listSnapshots = ({ id }: SnapshotRequest): SnapshotResponse => {
  const parts = parse(id);
  return { snapshots: NAMES.map((name) => named(parts, name)) };
};

/** Pretends to create the snapshot `dest`. */
export const createSnapshot = ({ id, dest, description }: SnapshotRequest): SnapshotResponse => {
  const parts = parse(id);
  const name = dest || `snap-${Math.floor(Date.now() / 1000)}`;
  return { snapshots: [named(parts, name, description)] };
};

/** Serves get, describe, delete and rollback: returns the named snapshot, since every snapshot exists. */
export const oneSnapshot = ({ id, description }: SnapshotRequest): SnapshotResponse => {
  const parts = parse(id);
  if (parts.name === undefined) throw new Refusal('invalid', `"${id}" does not name a snapshot: add @NAME`);
  return { snapshots: [named(parts, parts.name, description)] };
};

/** Streams 1 MiB: lines with the snapshot's id. */
export const downloadSnapshot = ({ id }: SnapshotRequest): ByteStream => {
  if (parseSnapshotId(id)?.name === undefined) throw new Refusal('not_found', `snapshot ${id}: not found`);
  const chunk = Buffer.alloc(CHUNK_BYTES, `${id}\n`);
  const chunks = Array.from({ length: CHUNKS }, () => chunk);
  return { bytes: Readable.from(chunks, { objectMode: false }), length: CHUNKS * CHUNK_BYTES };
};
