import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { tempDir } from './temp.js';

/** The parts that making and using the disk needs, besides the tiny Linux; see `needs`. */
export const AGENT_PARTS = ['qemu-ga', 'ldd', 'which', 'mke2fs'];

/** Makes a raw disk with QEMU's guest agent and its shared libraries, which the tiny Linux lacks. */
export const makeAgentDisk = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  const root = join(dir, 'root');
  await mkdir(root);
  const { stdout: program } = await execa('which', ['qemu-ga']);
  const { stdout: libraries } = await execa('ldd', [program]);
  const files = [program, ...(libraries.match(/\/\S+/g) ?? [])];
  for (const file of files) await copyFile(file, join(root, basename(file)));
  const image = join(dir, 'agent.raw');
  await execa('mke2fs', ['-q', '-t', 'ext4', '-d', root, image, '16M']);
  return image;
};

/** Lines for the guest's shell: start the agent from its second disk, and print "it is listening". */
export const startAgent = (...options: string[]): string =>
  [
    'mkdir /agent && mount /dev/vdb /agent',
    `LD_LIBRARY_PATH=/agent /agent/ld-linux-x86-64.so.2 /agent/qemu-ga -p /dev/vport0p1 -t /run ${options.join(' ')} &`,
    'until ls -l /proc/$!/fd | grep -q vport; do usleep 10000; done; echo "it is" listening',
    '',
  ].join('\n');
