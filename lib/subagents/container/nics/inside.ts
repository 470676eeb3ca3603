import { errorMessage } from '../../../errors.js';
import { runProgram } from '../../../process/run-program.js';

const TIMEOUT_MS = 10_000;

/**
 * Runs a program of the host in a process's network namespace, as root: nsenter(1).
 * @returns its standard output
 */
export const runInside = async (pid: number, program: string, ...args: string[]): Promise<string> => {
  try {
    const words = [`--net=/proc/${pid}/ns/net`, program, ...args];
    return (await runProgram('nsenter', words, { timeoutMs: TIMEOUT_MS })).stdout;
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${errorMessage(error)}`, { cause: error });
  }
};
