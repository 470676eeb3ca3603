import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** Files of a guest that the benchmark starts by hand. */
export interface Scratch {
  dir: string;
  overlay: string;
  image: string;
  serialLog: string;
}

/** Makes a directory with an overlay on the image. */
export const prepareByHand = async (image: string): Promise<Scratch> => {
  const dir = await mkdtemp(join(tmpdir(), 'mistify-by-hand-'));
  const overlay = join(dir, 'disk.qcow2');
  await mkdir(join(dir, 'up'));
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2', overlay]);
  return { dir, overlay, image, serialLog: join(dir, 'serial.log') };
};

/** Reads the arguments of a process, with the program first. */
export const commandOf = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);

/**
 * Rewrites the command line of the agent's QEMU for other files: it names them instead of passed descriptors, and leaves
 * out `-S`, the halt that the agent ends once the sockets are locked away.
 */
const asTyped = (command: readonly string[], { overlay, image, serialLog }: Scratch): string[] => {
  const paths = [overlay, image, serialLog];
  return command
    .filter((arg, index) => arg !== '-S' && arg !== '-add-fd' && command[index - 1] !== '-add-fd')
    .map((arg) => arg.replaceAll(/\/dev\/fdset\/(\d+)/g, (_, set) => paths[Number(set)] ?? ''));
};

/** Starts QEMU in its own session like the agent does: the kernel divides processor time by session. */
export const startByHand = (command: readonly string[], scratch: Scratch): ChildProcess => {
  const [program = '', ...args] = asTyped(command, scratch);
  const child = spawn(program, args, {
    cwd: scratch.dir,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // Runs when the benchmark is interrupted.
  const end = (): void => {
    child.kill('SIGKILL');
    rmSync(scratch.dir, { recursive: true, force: true });
  };
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
};

export const clearByHand = async (child: ChildProcess, { dir }: Scratch): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await rm(dir, { recursive: true, force: true });
};
