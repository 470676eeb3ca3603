import { ExecaError, execa } from 'execa';

const TIMEOUT_MS = 10_000;

/**
 * Runs a program of the host in a process's network namespace, as root: nsenter(1).
 * @returns its standard output
 */
export const runInside = async (pid: number, program: string, ...args: string[]): Promise<string> => {
  try {
    const words = [`--net=/proc/${pid}/ns/net`, program, ...args];
    return (await execa('nsenter', words, { timeout: TIMEOUT_MS })).stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const reason = String(error.stderr ?? '').trim() || error.shortMessage;
    throw new Error(`${program} ${args.join(' ')}: ${reason}`, { cause: error });
  }
};
