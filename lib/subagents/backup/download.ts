import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { firstBytes } from '../../async/first-bytes.js';
import { errorMessage } from '../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../http/stream-buffer.js';
import type { BackupDiskRequest } from '../../rpc/protocol/backup-messages.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { Method } from '../../rpc/server/rpc-route.js';
import { requireDisk } from './catalog.js';
import { chunkBytesOf } from './chunks/layout.js';
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
    if (!this.#out.write(content)) await once(this.#out, 'drain');
  }

  async zerosTo(position: number): Promise<void> {
    while (this.#position < position) await this.write(ZEROS.subarray(0, position - this.#position));
  }
}

/** Streams the raw bytes of a disk of a backup. Each chunk is compared with what was backed up before it is sent. */
export const downloadDisk =
  ({ repository, catalog }: BackupDeps): Method<BackupDiskRequest, ByteStream> =>
  async ({ backup: id, disk }, { signal, log }) => {
    await repository.ensure(signal);
    const stored = await catalog.get(id, signal);
    const { size } = requireDisk(stored, disk);
    const sums = diskSumsOf(await readSums(repository, stored, signal), stored, disk);
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
      log.warn({ backup: id, disk }, `download of a backup broke off: ${errorMessage(error)}`);
      out.destroy(error);
    });
    return { bytes: await firstBytes(out), length: size };
  };
