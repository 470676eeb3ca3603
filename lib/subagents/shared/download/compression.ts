import { pipeline } from 'node:stream/promises';
import { execa, type ResultPromise } from 'execa';
import { isErrno } from '../../../errors.js';
import { isProgramMissing, sandboxed } from '../../../process/sandboxed-command.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { SourceError } from './source-error.js';

type Bytes = AsyncIterable<Buffer>;

/** A compression format and the program that unpacks it. */
export interface Compression {
  name: 'gzip' | 'zstd' | 'xz';
  /** Unpacks standard input to standard output, with bounded memory. */
  command: [program: string, ...args: string[]];
  /** The Debian package of the program. */
  debianPackage: string;
}

/** Enough for files from `xz -9` and `zstd --long=29`. */
const MEMORY_MB = 512;
/** Above the programs' own limit, because their error explains the failure better. */
const ADDRESS_SPACE_MB = 2 * MEMORY_MB;
const MAX_STDERR_BYTES = 64 * 1024;

const GZIP: Compression = { name: 'gzip', command: ['gzip', '-dc'], debianPackage: 'gzip' };
const ZSTD: Compression = {
  name: 'zstd',
  command: ['zstd', '-dcq', `--memory=${MEMORY_MB}MB`],
  debianPackage: 'zstd',
};
const XZ: Compression = {
  name: 'xz',
  command: ['xz', '-dc', '-T1', `--memlimit-decompress=${MEMORY_MB}MiB`],
  debianPackage: 'xz-utils',
};

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

/** Bytes that `detectCompression` needs from the start of a file. */
export const MAGIC_BYTES = 6;

/** Detects compression by a file's first bytes; `undefined` for an uncompressed file. */
export const detectCompression = (head: Buffer): Compression | undefined => {
  if (isSkippable(head)) return ZSTD;
  const text = head.subarray(0, MAGIC_BYTES).toString('latin1');
  return MAGICS.find(([magic]) => text.startsWith(magic))?.[1];
};

/** Whether an error only says that the reader of a pipe has gone: the reader knows the cause. */
const isBrokenPipe = (error: unknown): boolean =>
  isErrno(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE') && !(error instanceof SourceError);

const OPTIONS = {
  reject: false,
  stdin: 'pipe',
  buffer: { stdout: false, stderr: true },
  maxBuffer: MAX_STDERR_BYTES,
  env: { LC_ALL: 'C' },
} as const;

const start = ({ command: [program, ...args] }: Compression): ResultPromise<typeof OPTIONS> =>
  execa(...sandboxed(program, args, { addressSpaceMb: ADDRESS_SPACE_MB }), OPTIONS);

const explain = (
  { name, debianPackage }: Compression,
  exitCode: number | undefined,
  stderr: string,
): Error =>
  isProgramMissing(exitCode, stderr)
    ? new Error(
        `the file is compressed with ${name}, which cannot be run here: install the package ${debianPackage}`,
      )
    : new Refusal(
        'invalid',
        `the file cannot be unpacked: ${stderr.trim().split('\n').at(-1) || `${name} exited early`}`,
      );

/**
 * Returns a stage of `pipeline` that unpacks a stream. It runs the system's own programs, outside this process and with
 * bounded memory, so that a hostile file can harm only its unpacker.
 */
export const unpack = (compression: Compression) =>
  async function* (packed: Bytes): AsyncGenerator<Buffer, void, undefined> {
    const child = start(compression);
    const feeding = pipeline(packed, child.stdin).then(
      () => undefined,
      (error: unknown) => error,
    );
    try {
      yield* child.stdout as Bytes;
      const [failure, { failed, exitCode, stderr }] = await Promise.all([feeding, child]);
      if (failure !== undefined && !isBrokenPipe(failure)) throw failure;
      if (failed) throw explain(compression, exitCode, stderr);
      if (failure !== undefined) throw failure;
    } finally {
      child.kill('SIGKILL');
    }
  };
