import { MB } from '../../../model/units.js';
import { detectCompression } from '../../shared/download/compression.js';
import { Digester } from '../../shared/download/digester.js';
import type { Algorithm, Digests } from '../../shared/download/digests.js';
import { openLocal, type SourceFile, type SourceOptions } from '../../shared/download/source.js';
import { isTar } from '../../shared/download/tar.js';
import { detectFormat, type FileEnds } from '../image-format.js';
import { openFileName } from '../qemu-img.js';
import type { CheckedFile } from '../stored.js';
import { readEnds } from './inspect.js';
import { checkProportion } from './limits.js';
import type { WantedImage } from './wanted-image.js';

/** A raw disk in a file of this host, which is converted where it is. */
export interface RawSource {
  file: SourceFile;
  checked: CheckedFile;
}

const isPacked = ({ head }: FileEnds): boolean => detectCompression(head) !== undefined || isTar(head);

const isRaw = async ({ handle }: SourceFile, format: WantedImage['format']): Promise<boolean> => {
  const ends = await readEnds(handle);
  if (isPacked(ends) || detectFormat(ends, format) !== 'raw') return false;
  checkProportion(ends.size, ends.size);
  return true;
};

/**
 * Opens a source that is a raw disk in a file of this host; the caller must close its handle. Such a file has no header that
 * could mislead QEMU, so that it need not be copied before it is converted.
 * @returns `undefined` for any other source
 * @throws {Refusal} for a file of this host that cannot be an image
 */
export const openRawSource = async (
  { source, format }: Pick<WantedImage, 'source' | 'format'>,
  options: Pick<SourceOptions, 'importDirs'>,
): Promise<RawSource | undefined> => {
  const file = await openLocal(source, options);
  if (!file) return undefined;
  const { handle, path, requireUnchanged } = file;
  try {
    if (await isRaw(file, format)) {
      const files = [{ fd: handle.fd, path }];
      return { file, checked: { path: openFileName(0), format: 'raw', files, requireUnchanged } };
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
};

/**
 * Calculates the sums of a file, holes included. The next bytes are read while the last ones are added.
 * @param onBytes receives how many bytes have been read
 */
export const sumsOfFile = async (
  { handle, size }: SourceFile,
  algorithms: Iterable<Algorithm>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Digests> => {
  const digester = new Digester(algorithms);
  const buffer = Buffer.allocUnsafe(MB);
  try {
    for (let position = 0; position < size; ) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, Math.min(MB, size - position), position);
      // The file has become shorter, which the check after the conversion reports.
      if (bytesRead === 0) break;
      position += bytesRead;
      await digester.update(buffer.subarray(0, bytesRead));
      onBytes(position);
    }
    return await digester.digests();
  } finally {
    digester.close();
  }
};
