import { isErrno } from '../../errors.js';
import type { StoredImage } from './disk-store.js';

/** @throws when nothing can be made of an image that is there */
export const requireReadable = (image: StoredImage): StoredImage => {
  const { id, unreadable } = image;
  if (unreadable === undefined) return image;
  throw new Error(`image ${id} is there but cannot be read: delete it, then fetch it again: ${unreadable}`);
};

const NO_SPACE = /no space left on device|disk quota exceeded|out of space/i;

/** Whether it was for want of room that something failed: `ENOSPC`, `EDQUOT`, or the words of qemu-img and zfs for them. */
export const isNoSpace = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  return isErrno(error, 'ENOSPC', 'EDQUOT') || NO_SPACE.test(error.message) || isNoSpace(error.cause);
};

/** The store has no room for what was asked of it. What was made until then has been removed again. */
export const noSpace = (what: string, dir: string, cause: unknown): Error =>
  new Error(`${what}: no space left on the device of ${dir}: make room there, then try again`, { cause });

/** Runs `work`, and says clearly when it failed for want of room in `dir`. */
export const explainNoSpace = async <T>(what: string, dir: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw isNoSpace(error) ? noSpace(what, dir, error) : error;
  }
};
