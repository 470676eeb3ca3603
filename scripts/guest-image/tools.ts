import { execa } from 'execa';

/** Debian installs disk tools in directories of root's PATH, though any user may run them. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

/**
 * Runs a program until it exits.
 * @returns its standard output
 * @throws {ExecaError} with the command and its output
 */
export const run = async (program: string, args: string[], input?: string): Promise<string> => {
  const { stdout } = await execa(program, args, {
    env: { PATH, DEBIAN_FRONTEND: 'noninteractive' },
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return stdout;
};
