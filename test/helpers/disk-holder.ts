import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { findHolders } from '../../lib/subagents/storage/holders.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

/** Opens a disk with qemu-nbd(8), as an operator would. */
export const holdDisk = async (
  t: ExecutionContext,
  source: string,
  ...options: string[]
): Promise<{ pid: number; stop: () => Promise<void> }> => {
  const format = source.endsWith('.qcow2') ? 'qcow2' : 'raw';
  const socket = join(await tempDir(t), 'nbd.sock');
  const nbd = execa('qemu-nbd', [...options, '-f', format, '--persistent', '-k', socket, source], {
    reject: false,
  });
  const stop = async (): Promise<void> => {
    nbd.kill('SIGTERM');
    await nbd;
  };
  t.teardown(stop);
  await until('qemu-nbd has the disk open', async () => (await findHolders([source]))[0]?.length === 1);
  return { pid: nbd.pid ?? 0, stop };
};
