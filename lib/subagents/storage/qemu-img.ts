import { execa } from 'execa';
import { sandboxed } from '../../process/sandboxed-command.js';
import { isProgramMissing } from '../../process/with-parent.js';

/** Reading a header, creating an overlay or a snapshot takes seconds at most on a healthy host. */
const TIMEOUT_MS = 60_000;
/** For commands that read whole disks, such as `check` and `convert`. */
export const LONG_TIMEOUT_MS = 2 * 60 * 60_000;
const MAX_OUTPUT_BYTES = 8 * 2 ** 20;

/** Each malloc arena reserves a part of the address space that the program may map. */
const ENVIRONMENT = { LC_ALL: 'C', MALLOC_ARENA_MAX: '2' };

export interface QemuImgOptions {
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** Exit codes other than 0 that mean success. */
  accept?: number[];
  /** The group of the sandbox: see `sandboxed`. */
  gid?: number | undefined;
  /** Files that it inherits, as descriptors from `FIRST_FD` on. */
  files?: readonly OpenFile[] | undefined;
  /** Receives what it prints, piece by piece, instead of the caller. */
  onOutput?: (text: string) => void;
}

/** An open file, and its path for messages. */
export interface OpenFile {
  fd: number;
  path: string;
}

/** The first inherited descriptor. Follows the standard streams and 3, which qemu-nbd uses for its socket. */
export const FIRST_FD = 4;

/** The name under which a program opens the inherited file at `index`, from 0. */
export const openFileName = (index: number): string => `/dev/fd/${FIRST_FD + index}`;

/** execa's `stdio` option for a program that inherits `files`. */
export const stdioWith = (files: readonly OpenFile[]): ['ignore', 'pipe', 'pipe', 'ignore', ...4[]] => [
  ...(['ignore', 'pipe', 'pipe', 'ignore'] as const),
  // execa accepts any descriptor, but its types stop at 9.
  ...files.map(({ fd }) => fd as 4),
];

/** A failed qemu-img; the message quotes what it printed. */
export class QemuImgError extends Error {
  override readonly name = 'QemuImgError';
  /** Whether another program has the image open. */
  readonly inUse: boolean;
  /** Whether qemu-img itself reports the failure, rather than that it could not run or end. */
  readonly isReported: boolean;

  constructor(message: string, { inUse = false, ...options }: ErrorOptions & { inUse?: boolean } = {}) {
    super(message, options);
    this.inUse = inUse;
    this.isReported = options.cause !== undefined;
  }
}

/** The two errors of QEMU's image locking (block/file-posix.c, QEMU 7.2); qemu-img exits with 1 for all errors. */
const IN_USE = /failed to get .*lock|another process using/i;

const explain = (command: string, stderr: string, files: readonly OpenFile[]): string => {
  let text = stderr;
  for (const [index, { path }] of files.entries()) text = text.replaceAll(openFileName(index), path);
  const words = text.trim().split('\n').slice(-3).join('; ').replaceAll('qemu-img: ', '');
  return `qemu-img ${command}: ${words.slice(0, 1000)}`;
};

/**
 * Runs qemu-img(1) with limits on its memory, time and output.
 * @returns what it printed
 * @throws {QemuImgError} when it fails, takes too long, or cannot be run
 */
export const qemuImg = async (args: [string, ...string[]], options: QemuImgOptions = {}): Promise<string> => {
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  const { gid, files = [], onOutput } = options;
  const running = execa(...sandboxed('qemu-img', args, { gid }), {
    reject: false,
    stdio: stdioWith(files),
    timeout,
    forceKillAfterDelay: 2000,
    maxBuffer: MAX_OUTPUT_BYTES,
    buffer: { stdout: onOutput === undefined, stderr: true },
    env: ENVIRONMENT,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
  });
  if (onOutput) running.stdout.setEncoding('utf8').on('data', onOutput);
  const result = await running;
  if (!result.failed || options.accept?.includes(result.exitCode ?? -1)) return result.stdout ?? '';
  const [command] = args;
  if (result.code === 'ENOENT')
    throw new QemuImgError('qemu-img cannot be run: install the package util-linux');
  if (isProgramMissing(result.exitCode, result.stderr))
    throw new QemuImgError('qemu-img cannot be run: install the package qemu-utils');
  if (result.timedOut) throw new QemuImgError(`qemu-img ${command}: took longer than ${timeout / 1000} s`);
  if (result.isCanceled) throw new QemuImgError(`qemu-img ${command}: cancelled`);
  throw new QemuImgError(explain(command, result.stderr || result.shortMessage || '', files), {
    cause: result,
    inUse: IN_USE.test(result.stderr),
  });
};

/**
 * Formats a file name for QEMU's tools that fixes the format, so that QEMU does not probe the content.
 * @param options options of the block driver: `BlockdevOptions` in the QEMU QMP reference manual
 */
export const imageFile = (
  driver: string,
  path: string,
  options: Record<string, boolean | string | null> = {},
): string => `json:${JSON.stringify({ driver, file: { driver: 'file', filename: path }, ...options })}`;

/** The parts of `qemu-img info --output=json` in use here. */
export interface ImageInfo {
  'virtual-size': number;
  'backing-filename'?: string;
  snapshots?: { id: string; name: string; 'date-sec'?: number; 'date-nsec'?: number }[];
  'format-specific'?: { data?: { 'data-file'?: string; bitmaps?: { name: string; flags: string[] }[] } };
}

/** Reads a file's header in the given format with `qemu-img info`. Works while a QEMU has the file open. */
export const readImageInfo = async (driver: string, path: string): Promise<ImageInfo> =>
  JSON.parse(await qemuImg(['info', '-U', '--output=json', '-f', driver, path])) as ImageInfo;

/**
 * As `readImageInfo`, for an inherited file.
 * @param name names the file and fixes its format
 */
export const readOpenInfo = async (
  name: string,
  options: Pick<QemuImgOptions, 'gid' | 'files'>,
): Promise<ImageInfo> =>
  JSON.parse(await qemuImg(['info', '-U', '--output=json', name], options)) as ImageInfo;

/**
 * Returns how many bytes an image's data would take as a qcow2 file of its own: `qemu-img measure`.
 * @param file a name that fixes the format
 */
export const measureImage = async (
  file: string,
  options: Pick<QemuImgOptions, 'files' | 'signal'> = {},
): Promise<number> => {
  const args = ['measure', '--output=json', '-O', 'qcow2', file] as const;
  const output = await qemuImg([...args], { timeoutMs: LONG_TIMEOUT_MS, ...options });
  return (JSON.parse(output) as { required: number }).required;
};

const EXIT_DIFFERENT = 1;

/**
 * Whether two images have the same content: `qemu-img compare`, which passes over what is a hole in both.
 * @param names fix the formats
 */
export const haveSameContent = async (
  names: readonly [string, string],
  options: Pick<QemuImgOptions, 'files' | 'signal'>,
): Promise<boolean> => {
  const args = ['compare', '-U', ...names] as const;
  const output = await qemuImg([...args], {
    ...{ timeoutMs: LONG_TIMEOUT_MS, accept: [EXIT_DIFFERENT] },
    ...options,
  });
  return output.includes('identical');
};

/** `qemu-img check` found only leaked clusters, which waste room but harm nothing: qemu-img(1). */
const EXIT_LEAKS = 3;

/**
 * Checks all of an image's tables with `qemu-img check`.
 * @param file a name that fixes the format
 * @throws when a table is inconsistent or refers to missing data
 */
export const checkImage = async (
  file: string,
  options: Pick<QemuImgOptions, 'gid' | 'files' | 'signal'> = {},
): Promise<void> => {
  const args = ['check', '-q', '-U', file] as const;
  await qemuImg([...args], { timeoutMs: LONG_TIMEOUT_MS, accept: [EXIT_LEAKS], ...options });
};

/**
 * Rebuilds a qcow2 file's refcounts with `qemu-img check -r all`, as far as they can be. What it prints is discarded: a
 * message for each cluster. Check the image afterwards.
 * @param file a name that fixes the format
 */
export const rebuildRefcounts = async (file: string, signal?: AbortSignal): Promise<void> => {
  await execa(...sandboxed('qemu-img', ['check', '-q', '-r', 'all', file]), {
    reject: false,
    stdio: 'ignore',
    timeout: LONG_TIMEOUT_MS,
    forceKillAfterDelay: 2000,
    env: ENVIRONMENT,
    ...(signal ? { cancelSignal: signal } : {}),
  });
};
