import { open, stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { CheckedFile } from '../disk-store.js';
import { detectFormat, HEAD_BYTES, type ImageFormat } from '../image-format.js';
import { checkImage, type ImageInfo, imageFile, measureImage, readImageInfo } from '../qemu-img.js';
import { checkProportion, checkUnpacked } from './limits.js';

/** A file that was found harmless. */
export interface InspectedFile extends CheckedFile {
  /** Bytes that its data takes once it is converted. */
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

/** The header has been looked at already; this is what QEMU itself makes of it. */
const checkSelfContained = (info: ImageInfo): void => {
  const other = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
  if (other !== undefined) throw new Error('an image with its data in another file');
};

/** Even if its header were to lie, nothing but the file itself is opened. */
const alone = (format: ImageFormat, path: string): string =>
  imageFile(format, path, format === 'raw' ? {} : { backing: null });

/** Of a file that is cut off, QEMU would read the end as zeros. */
const checkWhole = async (file: string, signal?: AbortSignal): Promise<void> => {
  try {
    await checkImage(file, signal ? { signal } : {});
  } catch (error) {
    throw new Error(`an image that is damaged or not complete: ${errorMessage(error)}`, { cause: error });
  }
};

/**
 * Looks at a fetched file before anything else does.
 * @throws when it is not an image that is whole in itself and of a size to be believed
 */
export const inspectFile = async (path: string, signal?: AbortSignal): Promise<InspectedFile> => {
  const format = detectFormat(await readHead(path));
  const { size: fileSize } = await stat(path);
  const info = await readImageInfo(format, path);
  checkSelfContained(info);
  checkProportion(info['virtual-size'], fileSize);
  // A table may have all its entries point to the same piece of data.
  const dataBytes = await measureImage(alone(format, path), signal);
  checkUnpacked(dataBytes, fileSize);
  if (format !== 'raw') await checkWhole(alone(format, path), signal);
  return { path, format, dataBytes };
};
