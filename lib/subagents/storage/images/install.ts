import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type Digests, differenceOf } from '../../shared/download/digests.js';
import type { ConvertProgress } from '../convert.js';
import type { CheckedFile, StoredImage } from '../stored.js';
import { type StoredSumsDeps, storedSums } from './stored-sums.js';
import type { FileSums } from './sums.js';

/** Where images and the sums of their files are stored. */
export type InstallDeps = StoredSumsDeps;

/** An image that a fetch resulted in. */
export interface FetchedImage {
  image: StoredImage;
  /** What happened, unless the image was added. */
  message?: string;
}

export const hasDigests = (digests: Digests): boolean => Object.keys(digests).length > 0;

/** @throws unless an image in the store is known to come from a file with the wanted sums */
export const checkStoredSums = async (
  deps: InstallDeps,
  id: string,
  wanted: Digests,
  signal: AbortSignal,
): Promise<void> => {
  const stored = await storedSums(deps, id, wanted, signal);
  const name = differenceOf(stored, wanted);
  if (name === undefined) return;
  const origin = stored[name] === undefined ? `an unknown ${name}` : `the ${name} ${stored[name]}`;
  throw new Refusal(
    'conflict',
    `image ${id} already exists, made from a file with ${origin}, not ${wanted[name]}: delete it first`,
  );
};

export const upToDate = (image: StoredImage): FetchedImage => ({
  image,
  message: `image ${image.id} is up to date`,
});

/** Finds an image if it is known to come from a file with those sums, and thus needs no refresh. */
export const findSame = async (
  deps: InstallDeps,
  id: string,
  digests: Digests,
  signal: AbortSignal,
): Promise<FetchedImage | undefined> => {
  const image = await deps.store.findImage(id);
  if (!image || image.unreadable !== undefined) return undefined;
  const known = await storedSums(deps, id, digests, signal);
  // Of two sums, a fetch without a sha512 has stored one.
  const comparable = Object.fromEntries(Object.entries(digests).filter(([name]) => name in known));
  if (!hasDigests(comparable) || differenceOf(known, comparable) !== undefined) return undefined;
  return upToDate(image);
};

/** Adds the image to the store. The caller holds the image's lock. */
export const addImage = async (
  { store, sums }: InstallDeps,
  id: string,
  file: CheckedFile,
  fileSums: FileSums,
  progress?: ConvertProgress,
): Promise<FetchedImage> => {
  // Guests' disks may build on the clone by now, so it must not be replaced.
  if (await store.findImage(id))
    throw new Refusal(
      'conflict',
      'another image was cloned under this id during the fetch: delete that image first',
    );
  await sums.set(id, fileSums);
  try {
    return { image: await store.addImage(id, file, progress) };
  } catch (error) {
    await sums.remove(id);
    throw error;
  }
};

const describeReplacement = (
  id: string,
  before: StoredImage | undefined,
  guests: string[],
): string | undefined => {
  if (!before) return undefined;
  if (guests.length === 0) return `image ${id} was refreshed`;
  return `image ${id} was refreshed; these guests keep the version that they were made of: ${guests.join(', ')}`;
};

/** Adds the image to the store, in place of an earlier version if there is one. The caller holds the image's lock. */
export const replaceImage = async (
  { store, sums }: InstallDeps,
  id: string,
  file: CheckedFile,
  fileSums: FileSums,
  progress?: ConvertProgress,
): Promise<FetchedImage> => {
  const before = await store.findImage(id);
  const guests = before ? await store.guestsOfImage(id) : [];
  // An image without sums is harmless when this is interrupted; one with those of another file is not.
  const known = await sums.find(id);
  await sums.remove(id);
  let image: StoredImage;
  try {
    image = await store.replaceImage(id, file, progress);
  } catch (error) {
    if (hasDigests(known.digests) || known.rawBytes !== undefined) await sums.set(id, known);
    throw error;
  }
  await sums.set(id, fileSums);
  const message = describeReplacement(id, before, guests);
  return message === undefined ? { image } : { image, message };
};
