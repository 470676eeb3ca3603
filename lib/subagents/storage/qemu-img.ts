import { execa } from 'execa';
import { isMissing, limited } from '../../process/sandboxed-command.js';

/** Reading a header, making an overlay, a snapshot: seconds at most on a healthy host. */
const TIMEOUT_MS = 60_000;
/** `qemu-img check` and `convert` read whole disks. */
export const LONG_TIMEOUT_MS = 2 * 60 * 60_000;
const MAX_OUTPUT_BYTES = 8 * 2 ** 20;

export interface QemuImgOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Exit codes beside 0 that are an answer, not a failure. */
  accept?: number[];
  /** The group that it runs in: `Limits` of `limited`. */
  gid?: number | undefined;
  /** What it finds open, from `FIRST_FD` on. */
  files?: readonly OpenFile[];
}

/** A file that is open here, and whose it is for messages. */
export interface OpenFile {
  fd: number;
  path: string;
}

/** Behind standard input, output and error, and 3, which is qemu-nbd's socket. */
export const FIRST_FD = 4;

/** The name of the file that a program finds open at a place, from 0: it opens that very file anew. */
export const openFileName = (index: number): string => `/dev/fd/${FIRST_FD + index}`;

/** Standard streams of a program, with the files that it finds open behind them. */
export const stdioWith = (files: readonly OpenFile[]): ['ignore', 'pipe', 'pipe', 'ignore', ...4[]] => [
  ...(['ignore', 'pipe', 'pipe', 'ignore'] as const),
  // execa takes all descriptors, but its types know those up to 9 only.
  ...files.map(({ fd }) => fd as 4),
];

/** qemu-img could not do it; the message has its own words. */
export class QemuImgError extends Error {
  override readonly name = 'QemuImgError';
}

const IN_USE = /failed to get .*lock|another process using/i;

const explain = (command: string, stderr: string, files: readonly OpenFile[]): string => {
  let text = stderr;
  for (const [index, { path }] of files.entries()) text = text.replaceAll(openFileName(index), path);
  const words = text.trim().split('\n').slice(-3).join('; ').replaceAll('qemu-img: ', '');
  const hint = IN_USE.test(words) ? ' (the disk is in use by a process that is not known here)' : '';
  return `qemu-img ${command}: ${words.slice(0, 1000)}${hint}`;
};

/**
 * Runs qemu-img (qemu-img(1)) with limits on its memory, time and output, and gives back what it printed.
 * @throws {QemuImgError} when it fails, takes too long, or cannot be run
 */
export const qemuImg = async (args: [string, ...string[]], options: QemuImgOptions = {}): Promise<string> => {
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  const { gid, files = [] } = options;
  const result = await execa(...limited('qemu-img', args, { gid }), {
    reject: false,
    stdio: stdioWith(files),
    timeout,
    forceKillAfterDelay: 2000,
    maxBuffer: MAX_OUTPUT_BYTES,
    // Few arenas: each would reserve a part of the memory it may map.
    env: { LC_ALL: 'C', MALLOC_ARENA_MAX: '2' },
    ...(options.signal ? { cancelSignal: options.signal } : {}),
  });
  if (!result.failed || options.accept?.includes(result.exitCode ?? -1)) return result.stdout;
  const [command] = args;
  if (result.code === 'ENOENT')
    throw new QemuImgError('qemu-img cannot be run: install the package util-linux');
  if (isMissing(result.exitCode, result.stderr))
    throw new QemuImgError('qemu-img cannot be run: install the package qemu-utils');
  if (result.timedOut) throw new QemuImgError(`qemu-img ${command}: took longer than ${timeout / 1000} s`);
  if (result.isCanceled) throw new QemuImgError(`qemu-img ${command}: called off`);
  throw new QemuImgError(explain(command, result.stderr || result.shortMessage || '', files), {
    cause: result,
  });
};

/**
 * A file name for QEMU's tools that fixes the format, so that nothing is guessed from the content.
 * @param options of the block driver: `QAPI BlockdevOptions` in the QEMU QMP reference manual
 */
export const imageFile = (
  driver: string,
  path: string,
  options: Record<string, boolean | null> = {},
): string => `json:${JSON.stringify({ driver, file: { driver: 'file', filename: path }, ...options })}`;

/** What is used of `qemu-img info --output=json`. */
export interface ImageInfo {
  'virtual-size': number;
  'backing-filename'?: string;
  snapshots?: { id: string; name: string }[];
  'format-specific'?: { data?: { 'data-file'?: string } };
}

/** Reads a file's header as that of the given format; works while a running QEMU has it open. */
export const readImageInfo = async (driver: string, path: string): Promise<ImageInfo> =>
  JSON.parse(await qemuImg(['info', '-U', '--output=json', '-f', driver, path])) as ImageInfo;

/** As `readImageInfo`, of a file that is found open. @param name which fixes the format */
export const readOpenInfo = async (
  name: string,
  options: Pick<QemuImgOptions, 'gid' | 'files'>,
): Promise<ImageInfo> =>
  JSON.parse(await qemuImg(['info', '-U', '--output=json', name], options)) as ImageInfo;

/**
 * How many bytes an image's data would take as a qcow2 file of its own (`qemu-img measure`).
 * @param file as from `imageFile`
 */
export const measureImage = async (file: string, signal?: AbortSignal): Promise<number> => {
  const args = ['measure', '--output=json', '-O', 'qcow2', file] as const;
  const output = await qemuImg([...args], { timeoutMs: LONG_TIMEOUT_MS, ...(signal ? { signal } : {}) });
  return (JSON.parse(output) as { required: number }).required;
};

/** qemu-img check: clusters are leaked, which wastes room and harms nothing (qemu-img(1)). */
const EXIT_LEAKS = 3;

/**
 * Looks at all of an image's tables (`qemu-img check`).
 * @param file which fixes the format
 * @throws when what they say cannot be, or points to what is not there
 */
export const checkImage = async (
  file: string,
  options: Pick<QemuImgOptions, 'gid' | 'files' | 'signal'> = {},
): Promise<void> => {
  const args = ['check', '-q', '-U', file] as const;
  await qemuImg([...args], { timeoutMs: LONG_TIMEOUT_MS, accept: [EXIT_LEAKS], ...options });
};
