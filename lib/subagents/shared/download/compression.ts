import { pipeline } from 'node:stream/promises';
import { execa, type ResultPromise } from 'execa';
import { isErrno } from '../../../errors.js';
import { isMissing, limited } from '../../../process/sandboxed-command.js';
import { SourceError } from './source-error.js';

type Bytes = AsyncIterable<Buffer>;

/** What a file is compressed with. */
export interface Compression {
  name: 'gzip' | 'zstd' | 'xz';
  /** Unpacks from standard input to standard output at constant memory, no more than it says. */
  command: [program: string, ...args: string[]];
  /** Debian's package that the program is in. */
  debianPackage: string;
}

/** Enough for what `xz -9` and `zstd --long=29` make. */
const MEMORY_MB = 512;
/** Above the programs' own limit, which they explain better. */
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

/** zstd's skippable frames, which some programs begin with: 0x184D2A50 to 0x184D2A5F. */
const isSkippable = (head: Buffer): boolean =>
  head.length >= 4 && (head.readUInt32LE(0) & 0xfffffff0) === 0x184d2a50;

/** Bytes from the start of a file that `detectCompression` wants to see. */
export const MAGIC_BYTES = 6;

/** Tells by its first bytes what a file is compressed with; `undefined` when it is not. */
export const detectCompression = (head: Buffer): Compression | undefined => {
  if (isSkippable(head)) return ZSTD;
  const text = head.subarray(0, MAGIC_BYTES).toString('latin1');
  return MAGICS.find(([magic]) => text.startsWith(magic))?.[1];
};

/** Errors of a pipe whose reader went away: the reader knows better why. */
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
  execa(...limited(program, args, { addressSpaceMb: ADDRESS_SPACE_MB }), OPTIONS);

const explain = ({ name, debianPackage }: Compression, exitCode: number | undefined, stderr: string): Error =>
  new Error(
    isMissing(exitCode, stderr)
      ? `compressed with ${name}, which cannot be run here: install the package ${debianPackage}`
      : `cannot be unpacked: ${stderr.trim().split('\n').at(-1) || `${name} ended early`}`,
  );

/**
 * Unpacks a stream, for `pipeline`. By the system's own programs: their memory is bounded, they work beside this
 * process and not in it, and whatever a hostile file does to one of them ends with that program.
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
