import type { Extent } from './replies.js';

/** A chunk of a disk, and whether an extent in it is one of those that were looked for. */
export interface MarkedChunk {
  index: number;
  isMarked: boolean;
}

/**
 * Turns a disk's extents into its chunks, in order.
 * @param extents all of the disk, in order
 * @param isMarked whether an extent is one of those that are looked for
 */
export async function* chunksIn(
  extents: AsyncIterable<Extent>,
  chunkBytes: number,
  isMarked: (extent: Extent) => boolean,
): AsyncGenerator<MarkedChunk> {
  let current: MarkedChunk | undefined;
  for await (const extent of extents) {
    const marked = isMarked(extent);
    // The chunk in which the extent before has ended.
    if (current) current.isMarked ||= marked && extent.offset < (current.index + 1) * chunkBytes;
    const last = Math.floor((extent.offset + extent.length - 1) / chunkBytes);
    for (let index: number = current ? current.index + 1 : 0; index <= last; index += 1) {
      if (current) yield current;
      current = { index, isMarked: marked };
    }
  }
  if (current) yield current;
}
