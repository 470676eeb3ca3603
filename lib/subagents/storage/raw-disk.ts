import { Refusal } from '../../rpc/protocol/refusal.js';
import { COMPRESSIONS, detectCompression } from '../shared/download/compression.js';
import { isTar } from '../shared/download/tar.js';

/** Bytes from the start of a file that hold all the marks of disks below. */
export const HEAD_BYTES = 0x10000 + 0x1000;

export const SECTOR_BYTES = 512;

type Mark = readonly [offset: number, bytes: string];

/** The marks of raw disks: partition tables, boot sectors, and the file systems that Linux hosts know. */
const MARKS: readonly Mark[] = [
  [510, '\x55\xaa'], // MBR, and the boot sectors of FAT and NTFS
  [512, 'EFI PART'], // GPT
  [4096, 'EFI PART'], // GPT with sectors of 4096 bytes
  [512, 'PM\0\0'], // Apple partition map
  [512, '\x57\x45\x56\x82'], // BSD disk label
  [512, 'LABELONE'], // LVM
  [1080, '\x53\xef'], // ext2, ext3, ext4
  [0, 'XFSB'],
  [0x10040, '_BHRfS_M'], // btrfs
  [1024, '\x10\x20\xf5\xf2'], // F2FS
  [1024, '\xe2\xe1\xf5\xe0'], // EROFS
  [1024, 'H+'], // HFS+
  [1024, 'HX'],
  [0, 'hsqs'], // SquashFS
  [0x8000, 'JFS1'],
  [0x10034, 'ReIsEr'],
  [4086, 'SWAPSPACE2'],
  [0x8001, 'CD001'], // ISO 9660
  [0x8001, 'BEA01'], // UDF
];

const hasMark = (head: Buffer, [offset, bytes]: Mark): boolean =>
  head.length >= offset + bytes.length && head.toString('latin1', offset, offset + bytes.length) === bytes;

/** Whether the start of a file says that it is a disk. */
export const looksLikeDisk = (head: Buffer): boolean => MARKS.some((mark) => hasMark(head, mark));

/** The magic numbers of formats that must not be mistaken for raw disks. */
const OTHERS: readonly [magic: string, name: string][] = [
  ['QED\0', 'QED'],
  ['LUKS\xba\xbe', 'LUKS'],
  ['COWD', 'old VMware (COWD)'],
  ['# Disk DescriptorFile', 'split VMware'],
  ['WithoutFreeSpace', 'Parallels'],
  ['WithouFreSpacExt', 'Parallels'],
  ['PK\x03\x04', 'zip'],
  ['7z\xbc\xaf\x27\x1c', '7-Zip'],
  ['\x04\x22\x4d\x18', 'lz4'],
  ['LZIP', 'lzip'],
  ['Rar!', 'RAR'],
  ['070701', 'cpio'],
  ['070702', 'cpio'],
  ['070707', 'cpio'],
  ['\xc7\x71', 'cpio'],
  ['\x71\xc7', 'cpio'],
  ['!<arch>\n', 'ar'],
  ['\x7fELF', 'ELF'],
  ['%PDF-', 'PDF'],
];

/** The beginning of an error or login page that a server sends with status 200. */
const WEB_PAGE = /^\s*<(!doctype|html|\?xml)/i;
const LFS_POINTER = 'version https://git-lfs.github.com/';
/** The control characters that text contains. */
const TEXT_CONTROLS = new Set(['\t', '\n', '\f', '\r', '\x1b'].map((character) => character.charCodeAt(0)));

const isText = (bytes: Buffer): boolean =>
  bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || TEXT_CONTROLS.has(byte));

/** The header of a Linux kernel, whose first sector looks like a boot sector: the kernel's x86 boot protocol. */
const KERNEL: Mark = [0x202, 'HdrS'];

const SUPPORTED = `raw, qcow2, vmdk, VHD, VHDX and VDI images, plain or compressed with ${COMPRESSIONS}, alone or in a tar archive (OVA)`;

/** @throws when a file has a known format that is no disk, by its start */
export const rejectOtherFormats = (head: Buffer): void => {
  const other = OTHERS.find(([magic]) => hasMark(head, [0, magic]));
  if (other)
    throw new Refusal('invalid', `the file is in ${other[1]} format: only ${SUPPORTED} are supported`);
  if (isTar(head))
    throw new Refusal('invalid', 'the archive contains a tar archive: put the disk itself into it');
  const compression = detectCompression(head);
  if (compression)
    throw new Refusal(
      'invalid',
      `the compressed file contains a ${compression.name} file: compress the image only once`,
    );
  const text = head.toString('latin1', 0, SECTOR_BYTES);
  if (WEB_PAGE.test(text)) throw new Refusal('invalid', 'the file is a web page, not an image');
  if (text.startsWith(LFS_POINTER))
    throw new Refusal(
      'invalid',
      'the file is a Git LFS pointer, not an image: fetch the file that it points to',
    );
};

/** @throws when the start of a file shows that it is no disk, unless the caller says that it is */
export const rejectImplausible = (head: Buffer): void => {
  if (looksLikeDisk(head) && !hasMark(head, KERNEL)) return;
  if (hasMark(head, KERNEL)) throw new Refusal('invalid', 'the file is a Linux kernel, not a disk image');
  if (isText(head.subarray(0, SECTOR_BYTES)))
    throw new Refusal('invalid', 'the file is text, not an image: look at what the source sends');
};

/** @throws unless a file of `size` bytes is a raw disk by its start, or is said to be one */
export const requireDisk = (head: Buffer, size: number, isSaid: boolean): void => {
  if (size % SECTOR_BYTES !== 0)
    throw new Refusal(
      'invalid',
      `the file has ${size} bytes, which is no multiple of ${SECTOR_BYTES}: it is not a disk, or a part is missing`,
    );
  if (!isSaid && !looksLikeDisk(head))
    throw new Refusal(
      'invalid',
      'the file is not known to be a disk: it has no partition table, boot sector, file system or ISO 9660 header; ' +
        'if it is a raw disk all the same, fetch or upload it as an image with "format": "raw"',
    );
};
