import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';

/** A disk of more than so many bytes must have some content for its size. */
const LARGE_DISK_BYTES = 2 ** 40;
/** Data, which takes room and time, must come from a file of some size much earlier. */
const LARGE_DATA_BYTES = 16 * 1024 * MB;
const MAX_PROPORTION = 1000;

/** @throws when a disk of `virtualSize` bytes is not to be believed of a file of `fileSize` bytes */
export const checkProportion = (virtualSize: number, fileSize: number): void => {
  if (virtualSize > MAX_DISK_BYTES)
    throw new Error(`a disk of ${toMb(virtualSize)} MB: more than the ${toMb(MAX_DISK_BYTES)} MB allowed`);
  if (virtualSize > LARGE_DISK_BYTES && virtualSize > MAX_PROPORTION * fileSize)
    throw new Error(
      `a disk of ${toMb(virtualSize)} MB in a file of ${fileSize} bytes: out of all proportion`,
    );
};

/**
 * For what is unpacked, and for what an image says it has in data.
 * @param unpacked bytes that have come out
 * @param packed bytes that went in for them
 * @param large bytes from which on it matters
 * @throws when so much of so little is a bomb
 */
export const checkUnpacked = (unpacked: number, packed: number, large = LARGE_DATA_BYTES): void => {
  if (unpacked > MAX_DISK_BYTES)
    throw new Error(`unpacks to more than the ${toMb(MAX_DISK_BYTES)} MB that a disk may have`);
  if (unpacked > large && unpacked > MAX_PROPORTION * packed)
    throw new Error(
      `unpacks to more than ${toMb(unpacked) - 1} MB from ${packed} bytes: out of all proportion`,
    );
};
