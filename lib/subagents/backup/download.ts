import { PassThrough, type Readable } from 'node:stream';
import { drained } from '../../async/drained.js';
import { firstBytes } from '../../async/first-bytes.js';
import { errorMessage } from '../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';
import type { Logger } from '../../log.js';
import type { BackedUpDisk } from '../../model/backup.js';
import type { BackupDiskRequest } from '../../rpc/protocol/backup-messages.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { Method } from '../../rpc/server/rpc-route.js';
import { DataMap } from '../shared/disk/data-map.js';
import { encodeDisk } from '../shared/disk/encode.js';
import { requireDisk, type StoredBackup } from './catalog.js';
import { chunkBytesOf } from './chunks/layout.js';
import type { DiskSums } from './chunks/sums.js';
import type { BackupDeps } from './deps.js';
import { diskSumsOf, readDisk, readSums } from './read-backup.js';

const ZEROS = Buffer.alloc(STREAM_BUFFER_BYTES);

/** Writes all bytes of a disk in order, from its chunks and the zeros between them. */
class DiskWriter {
  readonly #out: PassThrough;
  #position = 0;

  constructor(out: PassThrough) {
    this.#out = out;
  }

  async write(content: Buffer): Promise<void> {
    this.#position += content.length;
    if (!this.#out.write(content)) await drained(this.#out);
  }

  async zerosTo(position: number): Promise<void> {
    while (this.#position < position) await this.write(ZEROS.subarray(0, position - this.#position));
  }
}

/** Streams the raw bytes of a disk. Each chunk is compared with what was backed up before it is sent. */
const streamDisk = (
  { repository }: BackupDeps,
  stored: StoredBackup,
  { disk, size }: BackedUpDisk,
  sums: DiskSums,
  log: Logger,
): Readable => {
  const out = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES });
  const ended = new AbortController();
  // A reader that goes away ends restic.
  out.once('close', () => ended.abort(new Error('the download broke off')));
  const chunkBytes = chunkBytesOf(size);
  const writer = new DiskWriter(out);
  const send = async (): Promise<void> => {
    await readDisk(repository, stored, disk, sums, ended.signal, async (index, content) => {
      await writer.zerosTo(index * chunkBytes);
      await writer.write(content);
    });
    await writer.zerosTo(size);
    out.end();
  };
  send().catch((error: Error) => {
    if (out.destroyed) return;
    log.warn({ backup: stored.backup.id, disk }, `download of a backup broke off: ${errorMessage(error)}`);
    out.destroy(error);
  });
  return out;
};

/** The chunks that a backup has are the ones with data. */
const mapOf = (sums: DiskSums, size: number): DataMap => {
  const map = new DataMap(size);
  const chunkBytes = chunkBytesOf(size);
  for (const index of sums.indexes()) map.add(index * chunkBytes, chunkBytes);
  return map;
};

/** Streams the content of a disk of a backup. */
export const downloadDisk =
  (deps: BackupDeps): Method<BackupDiskRequest, ByteStream> =>
  async ({ backup: id, disk: name, ...wish }, { signal, log }) => {
    const { repository, catalog } = deps;
    await repository.ensure(signal);
    const stored = await catalog.get(id, signal);
    const disk = requireDisk(stored, name);
    const sums = diskSumsOf(await readSums(repository, stored, signal), stored, name);
    const content = {
      identity: [id, name],
      map: async () => mapOf(sums, disk.size),
      read: async () => ({
        bytes: await firstBytes(streamDisk(deps, stored, disk, sums, log)),
        length: disk.size,
      }),
    };
    return encodeDisk(content, wish);
  };
