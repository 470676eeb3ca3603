import { execa } from 'execa';
import { endingWithParent, isProgramMissing } from './with-parent.js';

export interface RunOptions {
  timeoutMs: number;
  /** Its standard input; empty by default. */
  input?: string;
}

/** What a program wrote. */
export interface ProgramOutput {
  stdout: string;
  stderr: string;
}

/** How a program ended: execa's `Result`. */
interface End extends ProgramOutput {
  exitCode?: number | undefined;
  signal?: string | undefined;
  timedOut: boolean;
  code?: string | undefined;
}

/** Says in words how a program ended that wrote nothing about it. */
const describeEnd = ({ timedOut, signal, exitCode }: End, { timeoutMs }: RunOptions): string => {
  if (timedOut) return `took longer than ${timeoutMs / 1000} s`;
  if (signal !== undefined) return `ended by ${signal}`;
  return exitCode === undefined ? 'did not start' : `exited with ${exitCode}`;
};

/** A program that failed or could not be run. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  /** `undefined` when the program did not exit by itself. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** What the program wrote to standard error. */
  readonly stderr: string;
  /** Whether the program is not installed. */
  readonly isMissing: boolean;
  readonly timedOut: boolean;

  /** The message is what the program wrote to standard error, or how it ended. */
  constructor(end: End, options: RunOptions) {
    super(end.stderr.trim() || describeEnd(end, options));
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.stderr = end.stderr;
    this.isMissing = end.code === 'ENOENT' || isProgramMissing(end.exitCode, end.stderr);
    this.timedOut = end.timedOut;
  }
}

/**
 * Runs a program of the host that ends with this process: one that outlives it would work on files, devices and the
 * network together with the next process.
 * @throws {ProgramError} when it fails, takes too long, or is not installed
 */
export const runProgram = async (
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramOutput> => {
  const [first, ...rest] = endingWithParent('KILL', [program, ...args]);
  const { timeoutMs: timeout, input } = options;
  const result = await execa(first, rest, {
    reject: false,
    timeout,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  if (result.failed) throw new ProgramError(result, options);
  return { stdout: result.stdout, stderr: result.stderr };
};
