import { type FileHandle, open } from 'node:fs/promises';
import type { ImageFormat } from '../../../model/image-formats.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { checkedFileName, readCheckedInfo } from '../convert.js';
import { detectFormat, type FileEnds, hasStaleRefcounts } from '../image-format.js';
import {
  checkImage,
  type ImageInfo,
  measureImage,
  QemuImgError,
  readImageInfo,
  rebuildRefcounts,
} from '../qemu-img.js';
import { HEAD_BYTES, SECTOR_BYTES } from '../raw-disk.js';
import type { CheckedFile } from '../stored.js';
import { checkProportion, checkUnpacked } from './limits.js';

/** A file that passed inspection. */
export interface InspectedFile extends CheckedFile {
  /** Bytes that its data will take once converted. */
  dataBytes: number;
}

/** Reads the parts of an open file that say what it is. */
export const readEnds = async (file: FileHandle): Promise<FileEnds> => {
  const { size } = await file.stat();
  const read = async (length: number, position: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  return {
    head: await read(HEAD_BYTES, 0),
    tail: await read(SECTOR_BYTES, Math.max(0, size - SECTOR_BYTES)),
    size,
  };
};

const endsOf = async (path: string): Promise<FileEnds> => {
  const file = await open(path, 'r');
  try {
    return await readEnds(file);
  } finally {
    await file.close();
  }
};

/** Checks how QEMU reads a header that `detectFormat` has accepted. */
const checkSelfContained = (info: ImageInfo): void => {
  const other = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
  if (other !== undefined)
    throw new Refusal(
      'invalid',
      'the image keeps its data in another file: flatten it first with qemu-img convert',
    );
};

/** Reads the header, which a raw disk lacks. For a format with backing files, reports the one that the header names. */
const readInfo = async (file: CheckedFile, size: number): Promise<ImageInfo> => {
  if (file.format === 'raw') return { 'virtual-size': size };
  return file.format === 'qcow2' || file.format === 'vmdk'
    ? readImageInfo(file.format, file.path)
    : readCheckedInfo(file);
};

/** QEMU has no check for a VHD, whose footer `detectFormat` has checked, and a raw disk has nothing to check. */
const isCheckable = (format: ImageFormat): boolean => format !== 'raw' && format !== 'vhd';

/** Runs `work`, which reads the file with qemu-img, and blames the file for a failure that qemu-img reports. */
const refusingDamage = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof QemuImgError && error.isReported)) throw error;
    throw new Refusal('invalid', `the image is damaged or incomplete: ${error.message}`, { cause: error });
  }
};

/** Runs a full check: QEMU reads the missing end of a truncated file as zeros, without an error. */
const checkWhole = (file: CheckedFile, signal?: AbortSignal): Promise<void> =>
  refusingDamage(async () => {
    await checkImage(checkedFileName(file), signal ? { signal } : {});
  });

/**
 * Checks a fetched file before anything else opens it. Repairs stale refcounts of a qcow2 image, which harm no data.
 * @param wanted the format that the file is said to have
 * @param mayBeEmpty whether the disk may have any size, however little data it has
 * @throws unless it is a complete image, needs no other file, and has a plausible size
 */
export const inspectFile = async (
  path: string,
  wanted?: ImageFormat,
  signal?: AbortSignal,
  mayBeEmpty = false,
): Promise<InspectedFile> => {
  const ends = await endsOf(path);
  const file: CheckedFile = { path, format: detectFormat(ends, wanted) };
  const info = await refusingDamage(() => readInfo(file, ends.size));
  checkSelfContained(info);
  checkProportion(info['virtual-size'], ends.size, mayBeEmpty);
  // All entries of an image's table may point to one cluster, so a small file can expand without end.
  const dataBytes = await refusingDamage(() => measureImage(checkedFileName(file), { signal }));
  checkUnpacked(dataBytes, ends.size);
  if (file.format === 'qcow2' && hasStaleRefcounts(ends.head))
    await rebuildRefcounts(checkedFileName(file), signal);
  if (isCheckable(file.format)) await checkWhole(file, signal);
  return { ...file, dataBytes };
};
