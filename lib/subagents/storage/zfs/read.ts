import { open } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { firstBytes } from '../../../async/first-bytes.js';
import { MB } from '../../../model/units.js';
import { scanData } from '../../shared/disk/data-map.js';
import type { DiskStore } from '../disk-store.js';
import { zfsWhenFree } from './command.js';
import type { DiskKind } from './kinds.js';
import { datasetOf, snapshotOf, type ZfsLayout } from './layout.js';
import type { WorkArea } from './work-area.js';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/**
 * Reads the first `bytes` bytes of a file or device.
 * @throws when it ends earlier
 */
async function* readExactly(path: string, bytes: number): Bytes {
  const file = await open(path, 'r');
  try {
    for (let position = 0; position < bytes; ) {
      const length = Math.min(MB, bytes - position);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      if (bytesRead === 0) throw new Error(`the snapshot ends after ${position} of ${bytes} bytes`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/**
 * Reads a snapshot through a temporary clone, which takes no room. Unlike `.zfs/snapshot`, a clone works for volumes,
 * exists on every ZFS, and does not keep the original dataset from being renamed.
 */
export const zfsReadSnapshot =
  (layout: ZfsLayout, kind: DiskKind, work: WorkArea): DiskStore['readSnapshot'] =>
  async (disk, name, signal) => {
    let length = 0;
    async function* read(): Bytes {
      const clone = work.claim('download');
      try {
        await zfsWhenFree('clone', snapshotOf(datasetOf(layout, disk), name), clone);
        await kind.ready(clone);
        length = await kind.size(clone);
        yield* readExactly(kind.path(clone), length);
      } finally {
        await work.discard(clone);
      }
    }
    const stream = Readable.from(read(), { objectMode: false, highWaterMark: MB });
    const bytes = await firstBytes(addAbortSignal(signal, stream));
    return { bytes, length };
  };

/** Finds the data of a snapshot by reading it all: a volume does not tell where its holes are. */
export const scanSnapshot =
  (readSnapshot: DiskStore['readSnapshot']): DiskStore['mapSnapshot'] =>
  async (disk, name, signal) => {
    const { bytes, length } = await readSnapshot(disk, name, signal);
    return scanData(bytes, length);
  };
