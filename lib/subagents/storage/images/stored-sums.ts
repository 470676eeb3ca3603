import { ALGORITHMS, Digester, type Digests } from '../../shared/download/digests.js';
import type { DiskStore } from '../disk-store.js';
import { streamImage } from './stream-image.js';
import type { Sums } from './sums.js';

export interface StoredSumsDeps {
  store: DiskStore;
  sums: Sums;
}

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
  const { digests, rawBytes } = await sums.find(id);
  const missing = ALGORITHMS.filter((name) => wanted[name] !== undefined && digests[name] === undefined);
  if (rawBytes === undefined || missing.length === 0) return digests;
  const digester = new Digester(missing);
  // A ZFS volume may be a little larger than the file.
  let left = rawBytes;
  for await (const chunk of (await streamImage(await store.imageFile(id), signal)) as AsyncIterable<Buffer>) {
    digester.update(chunk.subarray(0, left));
    left = Math.max(0, left - chunk.length);
  }
  const known = { ...digests, ...digester.digests() };
  await sums.set(id, { digests: known, rawBytes });
  return known;
};
