import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { execa, type ResultPromise } from 'execa';
import { isErrno } from '../../../errors.js';
import { sandboxed } from '../../../process/sandboxed-command.js';
import { isProgramMissing } from '../../../process/with-parent.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { SourceError } from './source-error.js';

type Bytes = AsyncIterable<Buffer>;

/** A program that turns its standard input into its standard output, with bounded memory. */
export interface Filter {
  /** Describes the file in the error when the program is missing: `compressed with xz`. */
  input: string;
  command: readonly [program: string, ...args: string[]];
  /** Exit codes other than 0 that mean success. */
  accept?: readonly number[];
  /** The Debian package of the program. */
  debianPackage: string;
  /** What it does with the file; by default it unpacks it. */
  work?: 'unpacked' | 'packed';
  /** Makes the error for input that the program rejects; by default it has the program's words. */
  damaged?: () => Error;
}

/** Enough for files from `xz -9` and `zstd --long=29`. */
export const FILTER_MEMORY_MB = 512;
/** Above the programs' own limit, because their error explains the failure better. */
const ADDRESS_SPACE_MB = 2 * FILTER_MEMORY_MB;
const MAX_STDERR_BYTES = 64 * 1024;

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

const start = ({ command: [program, ...args] }: Filter): ResultPromise<typeof OPTIONS> =>
  execa(...sandboxed(program, args, { addressSpaceMb: ADDRESS_SPACE_MB }), OPTIONS);

/** The first line that the program wrote says what is wrong; bzip2's later ones give general advice. */
const explain = (
  { input, command: [program], debianPackage, work = 'unpacked', damaged }: Filter,
  exitCode: number | undefined,
  stderr: string,
): Error =>
  isProgramMissing(exitCode, stderr)
    ? new Error(`the file is ${input}, which cannot be ${work} here: install the package ${debianPackage}`)
    : (damaged?.() ??
      new Refusal(
        'invalid',
        `the file cannot be ${work}: ${stderr.trim().split('\n', 1)[0] || `${program} exited early`}`,
      ));

/**
 * Returns a stage of `pipeline` that passes a stream through a program of the system, outside this process, so that a
 * hostile file can harm only that program.
 * @param onLine receives each line that the program writes to its standard error
 */
export const through = (filter: Filter, onLine?: (line: string) => void) =>
  async function* (input: Bytes): AsyncGenerator<Buffer, void, undefined> {
    const child = start(filter);
    if (onLine) createInterface(child.stderr).on('line', onLine);
    const feeding = pipeline(input, child.stdin).then(
      () => undefined,
      (error: unknown) => error,
    );
    try {
      yield* child.stdout as Bytes;
      const [failure, { failed, exitCode, stderr }] = await Promise.all([feeding, child]);
      const isAccepted = !failed || filter.accept?.includes(exitCode ?? -1);
      if (failure !== undefined && !isBrokenPipe(failure)) throw failure;
      if (!isAccepted) throw explain(filter, exitCode, stderr);
      if (failure !== undefined) throw failure;
    } finally {
      child.kill('SIGKILL');
    }
  };
