import type { FileHandle } from 'node:fs/promises';

/** What a qcow2 header says of other files: docs/interop/qcow2.txt of QEMU, "Header". */
export interface Qcow2Links {
  backing?: string;
  /** Its data is in another file. */
  external: boolean;
}

const MAGIC = Buffer.from('QFI\xfb', 'latin1');
const HEADER_BYTES = 80;
const OFFSET = { version: 4, backingOffset: 8, backingSize: 16, incompatible: 72 };
/** The longest name that QEMU takes. */
const MAX_NAME_BYTES = 1023;
const EXTERNAL_DATA_FILE = 4n;

const readAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};

/** Reads what a file says of others; nothing of that is believed here. `undefined` when it is no qcow2 file. */
export const readLinks = async (file: FileHandle): Promise<Qcow2Links | undefined> => {
  const header = await readAt(file, 0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const external =
    header.readUInt32BE(OFFSET.version) >= 3 &&
    (header.readBigUInt64BE(OFFSET.incompatible) & EXTERNAL_DATA_FILE) !== 0n;
  const position = header.readBigUInt64BE(OFFSET.backingOffset);
  if (position === 0n) return { external };
  const length = Math.min(header.readUInt32BE(OFFSET.backingSize), MAX_NAME_BYTES);
  const name =
    position > Number.MAX_SAFE_INTEGER ? Buffer.alloc(0) : await readAt(file, Number(position), length);
  return { external, backing: name.toString() };
};

/**
 * Finds out whether a guest's disk builds on its image. Its header cannot be relied on: whoever has broken out of the
 * guest into its QEMU can write there what he likes, such as the path of another guest's disk.
 * @param image the paths under which the image may be named there, none for a disk that was made blank
 * @returns `false` for a disk that has all data in itself
 * @throws when the header names anything else
 */
export const buildsOnImage = async (
  file: FileHandle,
  path: string,
  image: readonly string[],
): Promise<boolean> => {
  const links = await readLinks(file);
  if (links?.external) {
    throw new Error(`${path}: its header was changed, to have the data in another file: it is not used`);
  }
  if (links?.backing === undefined) return false;
  if (image.includes(links.backing)) return true;
  const given = JSON.stringify(links.backing);
  throw new Error(
    `${path}: its header was changed, to name the backing file ${given} in place of ${image[0] ?? 'none'}: it is not used`,
  );
};
