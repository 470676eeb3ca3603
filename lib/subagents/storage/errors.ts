import { isErrno } from '../../errors.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { DiskStore } from './disk-store.js';
import { describeLeftovers } from './leftovers.js';
import type { StoredImage } from './stored.js';

/**
 * Returns the image.
 * @throws when it is unreadable
 */
export const requireReadable = (image: StoredImage): StoredImage => {
  const { id, unreadable } = image;
  if (unreadable === undefined) return image;
  throw new Refusal('conflict', `image ${id} is unreadable: delete it, then fetch it again: ${unreadable}`);
};

/**
 * How the tools report a full device: qemu-img and the kernel print strerror(3)'s texts for ENOSPC and EDQUOT, OpenZFS
 * and zfs-fuse `out of space` (libzfs_util.c, EZFS_NOSPC). None of them reports a code.
 */
const NO_SPACE = /no space left on device|disk quota exceeded|out of space/i;

/** Whether an error, or one of its causes, reports a full device or an exhausted quota. */
export const isNoSpace = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  return isErrno(error, 'ENOSPC', 'EDQUOT') || NO_SPACE.test(error.message) || isNoSpace(error.cause);
};

type FullStore = Pick<DiskStore, 'workDir' | 'leftovers'>;

/** The error for a full store: it also names the remains of deleted guests and images that take room. */
const noSpace = async (what: string, store: FullStore, cause: unknown): Promise<Error> => {
  const leftovers = describeLeftovers(await store.leftovers().catch(() => []));
  const full = `${what}: no space left on the device of ${store.workDir}: make room there, then try again`;
  return new Refusal('no_space', leftovers === undefined ? full : `${full}; ${leftovers}`, { cause });
};

/** A failure that nevertheless changed something. Its message says what, so it must not be reworded. */
export class PartlyDoneError extends Error {
  override readonly name: string = 'PartlyDoneError';
}

/** Runs `work` and rewords its error if the store is full. */
export const explainNoSpace = async <T>(
  what: string,
  store: FullStore,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const reword = isNoSpace(error) && !(error instanceof PartlyDoneError);
    throw reword ? await noSpace(what, store, error) : error;
  }
};
