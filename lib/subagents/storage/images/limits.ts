import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** Disks with a larger virtual size, in bytes, need a file of at least a thousandth of that size. */
const LARGE_DISK_BYTES = 2 ** 40;
/**
 * More data than this, in bytes, needs a file of at least a thousandth of its size. The limit is lower than the one for
 * disks because data takes room and time.
 */
const LARGE_DATA_BYTES = 16 * 1024 * MB;
const MAX_PROPORTION = 1000;

/**
 * @param mayBeEmpty whether any size is plausible that a disk may have
 * @throws when a disk of `virtualSize` bytes is implausible for a file of `fileSize` bytes
 */
export const checkProportion = (virtualSize: number, fileSize: number, mayBeEmpty = false): void => {
  if (virtualSize > MAX_DISK_BYTES)
    throw new Refusal(
      'invalid',
      `the disk has ${toMb(virtualSize)} MB, more than the ${toMb(MAX_DISK_BYTES)} MB allowed`,
    );
  if (!mayBeEmpty && virtualSize > LARGE_DISK_BYTES && virtualSize > MAX_PROPORTION * fileSize)
    throw new Refusal(
      'invalid',
      `the disk has ${toMb(virtualSize)} MB in a file of ${fileSize} bytes, more than ${MAX_PROPORTION} times its size`,
    );
};

/**
 * Stops decompression bombs. Used for compressed files and for the data that an image's tables claim.
 * @param unpacked bytes out so far
 * @param packed bytes in so far
 * @param large below this many bytes out, the ratio does not matter
 * @throws when too much comes out of too little
 */
export const checkUnpacked = (unpacked: number, packed: number, large = LARGE_DATA_BYTES): void => {
  if (unpacked > MAX_DISK_BYTES)
    throw new Refusal('invalid', `the file unpacks to more than the ${toMb(MAX_DISK_BYTES)} MB allowed`);
  if (unpacked > large && unpacked > MAX_PROPORTION * packed)
    throw new Refusal(
      'invalid',
      `the file unpacks to more than ${toMb(unpacked) - 1} MB from ${packed} bytes, more than ${MAX_PROPORTION} times its size`,
    );
};
