import { Refusal } from '../../rpc/protocol/refusal.js';
import { detectCompression } from '../shared/download/compression.js';

/** The formats that can be fetched. */
export type ImageFormat = 'raw' | 'qcow2' | 'vmdk';

/**
 * Bytes that `detectFormat` needs from the start of a file: a vmdk header and the descriptor that QEMU reads after it.
 */
export const HEAD_BYTES = 0x200 + 20 * 512;

/** The magic numbers of formats that must not be mistaken for raw disks. */
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

/** The beginning of an error or login page that a server sends with status 200. */
const WEB_PAGE = /^\s*<(!doctype|html|\?xml)/i;

const startsWith = (head: Buffer, magic: string): boolean =>
  head.subarray(0, magic.length).equals(Buffer.from(magic, 'latin1'));

/** Incompatible feature bit 2 of a version 3 header: the data is in another file. */
const EXTERNAL_DATA_FILE = 4n;

/** Checks a qcow2 header; field offsets are those of QEMU's docs/interop/qcow2.txt, "Header". */
const checkQcow2 = (head: Buffer): void => {
  if (head.length < 104) throw new Refusal('invalid', 'the qcow2 header is truncated');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw new Refusal(
      'invalid',
      `the qcow image has version ${version}: only versions 2 and 3 are supported`,
    );
  if (head.readBigUInt64BE(8) !== 0n)
    throw new Refusal(
      'invalid',
      'the qcow2 image has a backing file: flatten it first with qemu-img convert',
    );
  if (head.readUInt32BE(32) !== 0)
    throw new Refusal('invalid', 'the qcow2 image is encrypted: decrypt it first');
  if (version === 3 && head.readBigUInt64BE(72) & EXTERNAL_DATA_FILE)
    throw new Refusal(
      'invalid',
      'the qcow2 image has an external data file: flatten it first with qemu-img convert',
    );
};

/**
 * Accepts only a vmdk that contains its own data. A header without a capacity names other files as extents, and a
 * parent hint names a backing file. Field offsets are those of `VMDK4Header` in QEMU's block/vmdk.c.
 */
const checkVmdk = (head: Buffer): void => {
  if (head.length < 512) throw new Refusal('invalid', 'the vmdk header is truncated');
  if (head.readBigUInt64LE(12) === 0n)
    throw new Refusal(
      'invalid',
      'the vmdk image keeps its data in other files: flatten it first with qemu-img convert',
    );
  if (head.includes('parentFileNameHint'))
    throw new Refusal('invalid', 'the vmdk image has a parent: flatten it first with qemu-img convert');
};

const unsupported = (name: string): Error =>
  new Refusal(
    'invalid',
    `the file is in ${name} format: only raw, qcow2 and vmdk images are supported, plain or compressed with gzip, zstd or xz`,
  );

/** Rejects known formats; a raw disk has no magic number to recognise it by. */
const checkRaw = (head: Buffer): void => {
  const other = UNSUPPORTED.find(([magic]) => startsWith(head, magic));
  if (other) throw unsupported(other[1]);
  if (startsWith(head.subarray(TAR_MAGIC_OFFSET), TAR_MAGIC)) throw unsupported('tar (OVA)');
  const compression = detectCompression(head);
  if (compression)
    throw new Refusal(
      'invalid',
      `the compressed file contains a ${compression.name} file: compress the image only once`,
    );
  if (WEB_PAGE.test(head.subarray(0, 64).toString('latin1')))
    throw new Refusal('invalid', 'the file is a web page, not an image');
};

/**
 * Detects an image's format from its content.
 * @param head the first `HEAD_BYTES` of the file, or all of a shorter one
 * @throws when the format is not supported, or the header refers to other files
 */
export const detectFormat = (head: Buffer): ImageFormat => {
  if (head.length === 0) throw new Refusal('invalid', 'the file is empty');
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
