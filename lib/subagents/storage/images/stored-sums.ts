import { Digester } from '../../shared/download/digester.js';
import { ALGORITHMS, type Algorithm, type Digests } from '../../shared/download/digests.js';
import type { DiskStore } from '../disk-store.js';
import { streamImage } from './stream-image.js';
import type { FileSums, Sums } from './sums.js';

export interface StoredSumsDeps {
  store: DiskStore;
  sums: Sums;
}

const missingIn = ({ digests }: FileSums, wanted: Digests): Algorithm[] =>
  ALGORITHMS.filter((name) => wanted[name] !== undefined && digests[name] === undefined);

/** Whether `storedSums` would read the whole image. */
export const areSumsPending = async (
  { sums }: Pick<StoredSumsDeps, 'sums'>,
  id: string,
  wanted: Digests,
): Promise<boolean> => {
  const known = await sums.find(id);
  return known.rawBytes !== undefined && missingIn(known, wanted).length > 0;
};

/**
 * Returns the sums of the file that an image was made from. Those of `wanted` that were never calculated are calculated of
 * the image itself, if the file was a raw disk with the same bytes.
 */
export const storedSums = async (
  { store, sums }: StoredSumsDeps,
  id: string,
  wanted: Digests,
  signal: AbortSignal,
): Promise<Digests> => {
  const known = await sums.find(id);
  const { digests, rawBytes } = known;
  const missing = missingIn(known, wanted);
  if (rawBytes === undefined || missing.length === 0) return digests;
  const digester = new Digester(missing);
  try {
    // A ZFS volume may be a little larger than the file.
    let left = rawBytes;
    for await (const chunk of (await streamImage(
      await store.imageFile(id),
      signal,
    )) as AsyncIterable<Buffer>) {
      await digester.update(chunk.subarray(0, left));
      left = Math.max(0, left - chunk.length);
    }
    const all = { ...digests, ...(await digester.digests()) };
    await sums.set(id, { digests: all, rawBytes });
    return all;
  } finally {
    digester.close();
  }
};
