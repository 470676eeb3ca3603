import type { FileHandle } from 'node:fs/promises';

/** The other files that a qcow2 header refers to: docs/interop/qcow2.txt of QEMU, "Header". */
export interface Qcow2Links {
  /** The name of the backing file. */
  backing?: string;
  /** Whether the data is in another file. */
  external: boolean;
}

const MAGIC = Buffer.from('QFI\xfb', 'latin1');
const HEADER_BYTES = 80;
const OFFSET = { version: 4, backingOffset: 8, backingSize: 16, incompatible: 72 };
/** The longest name of a backing file that QEMU accepts. */
const MAX_NAME_BYTES = 1023;
/** A bit of the incompatible features. */
const EXTERNAL_DATA_FILE = 4n;

const readAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};

/** Reads the header's references without checking them; `undefined` when the file is not qcow2. */
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
 * Finds the image that a guest's disk builds on. Do not trust the header: a guest that took over its QEMU can
 * write any name there, such as the path of another guest's disk.
 * @param imagePaths the paths under which the header may name the image; empty for a disk that was created blank
 * @returns the one that it names; `undefined` for a disk without a backing file
 * @throws when the header names any other file
 */
export const findImagePath = async (
  file: FileHandle,
  path: string,
  imagePaths: readonly string[],
): Promise<string | undefined> => {
  const links = await readLinks(file);
  if (links?.external) {
    throw new Error(`${path}: its header was changed to name an external data file: the disk is not used`);
  }
  if (links?.backing === undefined) return undefined;
  if (imagePaths.includes(links.backing)) return links.backing;
  const found = JSON.stringify(links.backing);
  throw new Error(
    `${path}: its header was changed to name the backing file ${found}, expected ${imagePaths[0] ?? 'none'}: the disk is not used`,
  );
};
