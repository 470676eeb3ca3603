import { detectCompression } from '../shared/download/compression.js';

/** The formats that an image may be fetched in. */
export type ImageFormat = 'raw' | 'qcow2' | 'vmdk';

/** Bytes from the start of a file that `detectFormat` wants to see: what QEMU reads of a vmdk's descriptor. */
export const HEAD_BYTES = 0x200 + 20 * 512;

/** Files that would make a disk of rubbish were they taken for raw, by their first bytes. */
const UNSUPPORTED: [magic: string, name: string][] = [
  ['conectix', 'VHD'],
  ['vhdxfile', 'VHDX'],
  ['<<< ', 'VDI'],
  ['QED\0', 'QED'],
  ['LUKS\xba\xbe', 'LUKS'],
  ['COWD', 'old VMware (COWD)'],
  ['# Disk DescriptorFile', 'split VMware'],
  ['WithoutFreeSpace', 'Parallels'],
  ['WithouFreSpacExt', 'Parallels'],
  ['BZh', 'bzip2'],
  ['PK\x03\x04', 'zip'],
  ['7z\xbc\xaf\x27\x1c', '7-Zip'],
  ['\x04\x22\x4d\x18', 'lz4'],
  ['LZIP', 'lzip'],
  ['Rar!', 'RAR'],
];

const TAR_MAGIC = 'ustar';
const TAR_MAGIC_OFFSET = 257;

/** What a server says in place of a file, with status 200 all the same. */
const WEB_PAGE = /^\s*<(!doctype|html|\?xml)/i;

const startsWith = (head: Buffer, magic: string): boolean =>
  head.subarray(0, magic.length).equals(Buffer.from(magic, 'latin1'));

/** Incompatible feature bit 2 of a version 3 header: the data is in another file. */
const EXTERNAL_DATA_FILE = 4n;

/** Field offsets: docs/interop/qcow2.txt of QEMU, "Header". */
const checkQcow2 = (head: Buffer): void => {
  if (head.length < 104) throw new Error('a qcow2 image whose header is cut off');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw new Error(`a qcow image of version ${version}: only 2 and 3 are`);
  if (head.readBigUInt64BE(8) !== 0n)
    throw new Error('a qcow2 image with a backing file: flatten it first with qemu-img convert');
  if (head.readUInt32BE(32) !== 0) throw new Error('an encrypted qcow2 image: decrypt it first');
  if (version === 3 && head.readBigUInt64BE(72) & EXTERNAL_DATA_FILE)
    throw new Error('a qcow2 image with an external data file: flatten it first with qemu-img convert');
};

/**
 * Only a vmdk that has its data in itself: one without a capacity of its own names other files as its extents,
 * one with a parent hint names a backing file. Offsets: block/vmdk.c of QEMU, `VMDK4Header`.
 */
const checkVmdk = (head: Buffer): void => {
  if (head.length < 512) throw new Error('a vmdk image whose header is cut off');
  if (head.readBigUInt64LE(12) === 0n) throw new Error('a vmdk image with its data in other files');
  if (head.includes('parentFileNameHint'))
    throw new Error('a vmdk image with a parent: flatten it first with qemu-img convert');
};

const unsupported = (name: string): Error =>
  new Error(
    `a file in ${name} format: only raw, qcow2 and vmdk can be taken in, plain or in gzip, zstd or xz`,
  );

/** Whatever has no magic is raw, so what is something else must be known. */
const checkRaw = (head: Buffer): void => {
  const other = UNSUPPORTED.find(([magic]) => startsWith(head, magic));
  if (other) throw unsupported(other[1]);
  if (startsWith(head.subarray(TAR_MAGIC_OFFSET), TAR_MAGIC)) throw unsupported('tar (OVA)');
  const compression = detectCompression(head);
  if (compression) throw new Error(`a ${compression.name} file in a compressed one: compress it only once`);
  if (WEB_PAGE.test(head.subarray(0, 64).toString('latin1'))) throw new Error('a web page, not an image');
};

/**
 * Tells an image's format by its content.
 * @param head the first `HEAD_BYTES` of the file, or all of a shorter one
 * @throws when it is of a kind that cannot be taken in, or names other files
 */
export const detectFormat = (head: Buffer): ImageFormat => {
  if (head.length === 0) throw new Error('an empty file');
  if (startsWith(head, 'QFI\xfb')) {
    checkQcow2(head);
    return 'qcow2';
  }
  if (startsWith(head, 'KDMV')) {
    checkVmdk(head);
    return 'vmdk';
  }
  checkRaw(head);
  return 'raw';
};
