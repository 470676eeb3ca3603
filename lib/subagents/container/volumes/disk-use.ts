import { execa } from 'execa';
import { endingWithParent } from '../../../process/with-parent.js';

/**
 * Adds up what the files of a directory take on the disk, in bytes: du(1). Files that come and go meanwhile do not matter.
 * @returns `undefined` when the directory cannot be read
 */
export const diskUse = async (directory: string, signal: AbortSignal): Promise<number | undefined> => {
  const args = ['--summarize', '--block-size=1', '--one-file-system', '--', directory];
  const [program, ...rest] = endingWithParent('KILL', ['du', ...args]);
  const { stdout } = await execa(program, rest, { reject: false, stdin: 'ignore', cancelSignal: signal });
  signal.throwIfAborted();
  const bytes = /^(\d+)\t/.exec(stdout ?? '')?.[1];
  return bytes === undefined ? undefined : Number(bytes);
};
