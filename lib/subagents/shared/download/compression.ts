import { FILTER_MEMORY_MB, type Filter, through } from './filter.js';

/** A compression format and the program that unpacks it. */
export interface Compression extends Filter {
  name: 'gzip' | 'zstd' | 'xz' | 'lzma' | 'bzip2';
}

/**
 * gzip(1) exits with this code after a warning, such as about bytes after the compressed data: OpenWrt appends
 * metadata.
 */
const GZIP_WARNING = 2;

const compression = (
  name: Compression['name'],
  command: Compression['command'],
  rest: Partial<Compression> = {},
): Compression => ({ name, input: `compressed with ${name}`, command, debianPackage: name, ...rest });

const XZ_COMMAND = ['xz', '-dc', '-T1', `--memlimit-decompress=${FILTER_MEMORY_MB}MiB`] as const;

const GZIP = compression('gzip', ['gzip', '-dc'], { accept: [GZIP_WARNING] });
const ZSTD = compression('zstd', ['zstd', '-dcq', `--memory=${FILTER_MEMORY_MB}MB`]);
const XZ = compression('xz', XZ_COMMAND, { debianPackage: 'xz-utils' });
const LZMA = compression('lzma', XZ_COMMAND, { debianPackage: 'xz-utils' });
const BZIP2 = compression('bzip2', ['bzip2', '-dc']);

/** The name of every format that is unpacked, for messages. */
export const COMPRESSIONS = 'gzip, bzip2, xz, lzma or zstd';

const MAGICS: [magic: string, compression: Compression][] = [
  ['\x1f\x8b', GZIP],
  ['\x28\xb5\x2f\xfd', ZSTD],
  ['\xfd7zXZ\0', XZ],
];

/**
 * Whether a file begins with a skippable frame of zstd, magic number 0x184D2A50 to 0x184D2A5F: RFC 8878, section 3.1.2.
 */
const isSkippable = (head: Buffer): boolean =>
  head.length >= 4 && (head.readUInt32LE(0) & 0xfffffff0) === 0x184d2a50;

/** bzip2's magic number with the block size, and the magic numbers that may follow: of a block, and of the end. */
const BZIP2_MAGIC = /^BZh[1-9]/;
const BZIP2_BLOCKS = ['1AY&SY', '\x17rE8P\x90'];

const isBzip2 = (text: string): boolean =>
  BZIP2_MAGIC.test(text) && BZIP2_BLOCKS.some((magic) => text.startsWith(magic, 4));

/**
 * Whether a file is in xz's older format, which has no magic number: the properties that all encoders write, a
 * dictionary of 2^n bytes, and a size that is unknown or below 2^40 (xz's doc/lzma-file-format.txt).
 */
const isLzma = (head: Buffer): boolean => {
  if (head.length < 13 || head[0] !== 0x5d) return false;
  const dictionary = head.readUInt32LE(1);
  const size = head.readBigUInt64LE(5);
  const isPower = dictionary >= 4096 && (dictionary & (dictionary - 1)) === 0;
  return isPower && (size === 0xffffffffffffffffn || size < 2n ** 40n);
};

/** Bytes that `detectCompression` needs from the start of a file. */
export const MAGIC_BYTES = 13;

/** Detects compression by a file's first bytes; `undefined` for an uncompressed file. */
export const detectCompression = (head: Buffer): Compression | undefined => {
  if (isSkippable(head)) return ZSTD;
  const text = head.subarray(0, MAGIC_BYTES).toString('latin1');
  if (isBzip2(text)) return BZIP2;
  if (isLzma(head)) return LZMA;
  return MAGICS.find(([magic]) => text.startsWith(magic))?.[1];
};

/** Returns a stage of `pipeline` that compresses a stream with zstd: see `through`. */
export const packZstd = (): ReturnType<typeof through> =>
  through({ ...ZSTD, command: ['zstd', '-cq', '-3'], work: 'packed' });

/**
 * Returns a stage of `pipeline` that unpacks a stream: see `through`.
 * @param damaged makes the error for a file that cannot be unpacked; by default it has the program's words
 */
export const unpack = (packed: Compression, damaged?: () => Error): ReturnType<typeof through> =>
  through(damaged ? { ...packed, damaged } : packed);
