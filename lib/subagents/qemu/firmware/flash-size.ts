import { open } from 'node:fs/promises';
import type { FlashFile } from './descriptors.js';

/** QEMU's docs/interop/qcow2.txt, "Header": the size of the disk. */
const QCOW2_SIZE_OFFSET = 24;

/** Returns the bytes of a flash device with that content. */
export const flashSize = async ({ filename, format }: FlashFile): Promise<number> => {
  const file = await open(filename, 'r');
  try {
    if (format !== 'qcow2') return (await file.stat()).size;
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, QCOW2_SIZE_OFFSET);
    return Number(buffer.readBigUInt64BE());
  } finally {
    await file.close();
  }
};

/**
 * The flash of a guest, program and variables together. Earlier builds of OVMF have 2 MB, which newer systems no longer
 * ship, and QEMU starts a program on the variables of another size without an error.
 */
export const FLASH_BYTES = 4 * 2 ** 20;
