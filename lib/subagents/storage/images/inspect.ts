import { open, stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CheckedFile } from '../disk-store.js';
import { detectFormat, HEAD_BYTES, type ImageFormat } from '../image-format.js';
import { checkImage, type ImageInfo, imageFile, measureImage, readImageInfo } from '../qemu-img.js';
import { checkProportion, checkUnpacked } from './limits.js';

/** A file that passed inspection. */
export interface InspectedFile extends CheckedFile {
  /** Bytes that its data will take once converted. */
  dataBytes: number;
}

const readHead = async (path: string): Promise<Buffer> => {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

/** Checks QEMU's own reading of a header that `detectFormat` has accepted. */
const checkSelfContained = (info: ImageInfo): void => {
  const other = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
  if (other !== undefined)
    throw new Refusal(
      'invalid',
      'the image keeps its data in another file: flatten it first with qemu-img convert',
    );
};

/** Names the file so that QEMU opens no backing file, whatever the header says. */
const standalone = (format: ImageFormat, path: string): string =>
  imageFile(format, path, format === 'raw' ? {} : { backing: null });

/** Runs a full check: QEMU reads the missing end of a truncated file as zeros, without an error. */
const checkWhole = async (file: string, signal?: AbortSignal): Promise<void> => {
  try {
    await checkImage(file, signal ? { signal } : {});
  } catch (error) {
    throw new Refusal('invalid', `the image is damaged or incomplete: ${errorMessage(error)}`, {
      cause: error,
    });
  }
};

/**
 * Checks a fetched file before anything else opens it.
 * @throws unless it is a complete image, needs no other file, and has a plausible size
 */
export const inspectFile = async (path: string, signal?: AbortSignal): Promise<InspectedFile> => {
  const format = detectFormat(await readHead(path));
  const { size: fileSize } = await stat(path);
  const info = await readImageInfo(format, path);
  checkSelfContained(info);
  checkProportion(info['virtual-size'], fileSize);
  // All entries of an image's table may point to one cluster, so a small file can expand without end.
  const dataBytes = await measureImage(standalone(format, path), signal);
  checkUnpacked(dataBytes, fileSize);
  if (format !== 'raw') await checkWhole(standalone(format, path), signal);
  return { path, format, dataBytes };
};
