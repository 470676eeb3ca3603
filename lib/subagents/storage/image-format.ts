import type { ImageFormat } from '../../model/image-formats.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { rejectImplausible, rejectOtherFormats, requireDisk, SECTOR_BYTES } from './raw-disk.js';

const startsWith = (head: Buffer, magic: string, offset = 0): boolean =>
  head.toString('latin1', offset, offset + magic.length) === magic;

/** Incompatible features of a version 3 header: the refcounts are stale, the data is in another file. */
const DIRTY = 1n;
const EXTERNAL_DATA_FILE = 4n;

const INCOMPATIBLE_OFFSET = 72;

/**
 * Whether a qcow2 file's refcounts are stale: it was used with `lazy_refcounts=on` and not closed. Its data is complete.
 */
export const hasStaleRefcounts = (head: Buffer): boolean =>
  head.readUInt32BE(4) === 3 && (head.readBigUInt64BE(INCOMPATIBLE_OFFSET) & DIRTY) !== 0n;

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
  if (version === 3 && head.readBigUInt64BE(INCOMPATIBLE_OFFSET) & EXTERNAL_DATA_FILE)
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
  if (head.subarray(0, VMDK_DESCRIPTOR_END).includes('parentFileNameHint'))
    throw new Refusal('invalid', 'the vmdk image has a parent: flatten it first with qemu-img convert');
};

/** The end of a vmdk's header and of the descriptor that QEMU reads after it. */
const VMDK_DESCRIPTOR_END = 0x200 + 20 * 512;

const VHD_MAGIC = 'conectix';
/** Fields of a VHD's footer, and the kinds of disks: Microsoft's Virtual Hard Disk Image Format Specification. */
const VHD = { currentSize: 48, type: 60, fixed: 2, dynamic: 3 } as const;

/**
 * Checks the footer of a VHD, which qemu-img does not: it reads what is missing from a truncated file as zeros, and a
 * differencing disk as if it had no parent.
 */
const checkVhd = (footer: Buffer, size: number): void => {
  if (!startsWith(footer, VHD_MAGIC))
    throw new Refusal('invalid', 'the VHD image is incomplete: it has no footer');
  const type = footer.readUInt32BE(VHD.type);
  if (type !== VHD.fixed && type !== VHD.dynamic)
    throw new Refusal('invalid', 'the VHD image needs a parent: merge them first into one image');
  if (type === VHD.fixed && footer.readBigUInt64BE(VHD.currentSize) > BigInt(size - SECTOR_BYTES))
    throw new Refusal('invalid', 'the VHD image is incomplete: its footer describes a larger disk');
};

/** The formats with a magic number at the start, and the check of what follows it. */
const MAGICS: readonly [
  magic: string,
  offset: number,
  format: ImageFormat,
  check?: (head: Buffer) => void,
][] = [
  ['QFI\xfb', 0, 'qcow2', checkQcow2],
  ['KDMV', 0, 'vmdk', checkVmdk],
  [VHD_MAGIC, 0, 'vhd'],
  ['vhdxfile', 0, 'vhdx'],
  ['\x7f\x10\xda\xbe', 64, 'vdi'],
];

const requireWanted = (format: ImageFormat, wanted: ImageFormat | undefined): ImageFormat => {
  if (wanted !== undefined && wanted !== format)
    throw new Refusal('invalid', `the file is in the format ${format}, not ${wanted}`);
  return format;
};

/**
 * Detects an image's format from the first bytes of its file.
 * @param head the first `HEAD_BYTES` of the file, or all of a shorter one
 * @param wanted the format that the file is said to have
 * @returns `raw` also for a VHD with only a footer, which `detectFormat` finds out
 * @throws when the format is not supported or not the wanted one, or the header refers to other files
 */
export const detectHead = (head: Buffer, wanted?: ImageFormat): ImageFormat => {
  if (head.length === 0) throw new Refusal('invalid', 'the file is empty');
  const found = MAGICS.find(([magic, offset]) => startsWith(head, magic, offset));
  if (!found) {
    rejectOtherFormats(head);
    if (wanted === undefined) rejectImplausible(head);
    return 'raw';
  }
  const [, , format, check] = found;
  check?.(head);
  return requireWanted(format, wanted);
};

/** The parts of a file that say what it is. */
export interface FileEnds {
  /** The first `HEAD_BYTES`. */
  head: Buffer;
  /** The last sector. */
  tail: Buffer;
  /** Bytes of the whole file. */
  size: number;
}

/**
 * Detects an image's format from its whole file.
 * @throws as `detectHead`, and when a file without a magic number is not a raw disk, unless `wanted` says so
 */
export const detectFormat = ({ head, tail, size }: FileEnds, wanted?: ImageFormat): ImageFormat => {
  const format = detectHead(head, wanted);
  const isVhd = format === 'vhd' || (format === 'raw' && startsWith(tail, VHD_MAGIC));
  if (isVhd) {
    checkVhd(tail, size);
    return requireWanted('vhd', wanted);
  }
  requireWanted(format, wanted);
  if (format === 'raw') requireDisk(head, size, wanted === 'raw');
  return format;
};
