import { InFlight } from '../../../async/in-flight.js';
import { isZero } from '../../../files/zeros.js';
import type { SourceDisk } from '../../../rpc/protocol/backup-disk-messages.js';
import { chunksIn } from '../nbd/chunks.js';
import { NbdClient } from '../nbd/client.js';
import { ALLOCATION, STATE_DIRTY, STATE_ZERO } from '../nbd/wire.js';
import { chunkBytesOf } from './layout.js';
import { sumOf } from './sums.js';
import type { Tree } from './tree.js';

/** Chunks that are read at the same time. */
const PARALLEL = 8;

export interface FillOptions {
  /** Reads only what this meta context says has changed; everything without one. */
  bitmap: string | undefined;
  signal: AbortSignal;
  /** Reports how far into the disk the work has come, and how many bytes it has read. */
  onRead: (position: number, bytes: number) => void;
  /** The bytes of content that the tree may have before `drain` is called. */
  maxBytes: number;
  /** Makes a snapshot of the tree, after which its chunks have no content. */
  drain: () => Promise<void>;
}

/** Brings the chunks of a disk up to date. Only those that differ from their sums get content. */
export const fillDisk = async (tree: Tree, source: SourceDisk, options: FillOptions): Promise<void> => {
  const { disk, size } = source;
  const { bitmap, signal, onRead, maxBytes, drain } = options;
  const chunkBytes = chunkBytesOf(size);
  const sums = await tree.disk(disk);
  const context = bitmap ?? ALLOCATION;
  const client = await NbdClient.connect(source, signal, [context]);

  const take = async (index: number, isHole: boolean): Promise<void> => {
    const offset = index * chunkBytes;
    const known = sums.get(index);
    if (!isHole) {
      const content = await client.read(offset, Math.min(chunkBytes, size - offset));
      onRead(offset, content.length);
      if (!isZero(content)) {
        const sum = sumOf(content);
        if (!known?.equals(sum)) await tree.writeChunk(disk, index, content, sum);
        return;
      }
    }
    if (known) await tree.removeChunk(disk, index);
  };

  try {
    if (client.size !== size)
      throw new Error(`disk ${disk} has ${client.size} bytes, and not the ${size} that were announced`);
    const isMarked = ({ flags }: { flags: number }): boolean =>
      bitmap === undefined ? (flags & STATE_ZERO) === 0 : (flags & STATE_DIRTY) !== 0;
    await InFlight.run(PARALLEL, async (flight) => {
      for await (const { index, isMarked: isHit } of chunksIn(
        client.extents(context),
        chunkBytes,
        isMarked,
      )) {
        // What has not changed need not be looked at.
        if (bitmap !== undefined && !isHit) continue;
        if (!isHit && !sums.get(index)) continue;
        await flight.add(() => take(index, !isHit));
        if (tree.filledBytes < maxBytes) continue;
        await flight.idle();
        await drain();
      }
    });
  } finally {
    client.close();
  }
};
