import { execa } from 'execa';

/** Debian keeps disk tools where only root's PATH looks, though anyone may run them. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

/**
 * Runs a program to its end.
 * @returns what it printed
 * @throws {ExecaError} its message has the command and what the program said
 */
export const run = async (program: string, args: string[], input?: string): Promise<string> => {
  const { stdout } = await execa(program, args, {
    env: { PATH, DEBIAN_FRONTEND: 'noninteractive' },
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return stdout;
};
