import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import test from 'ava';
import { createLayout } from '../../../../../lib/subagents/qemu/layout.js';
import {
  findAnyQemu,
  findQemu,
  killQemu,
  startOf,
  waitForExit,
} from '../../../../../lib/subagents/qemu/process/process.js';
import { tempDir } from '../../../../helpers/temp.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

test('ignores a recorded process id whose process started at another time', async (t) => {
  const runDir = await tempDir(t);
  const paths = createLayout({ dir: '/d', runDir }).paths(ID);
  await mkdir(paths.runDir);
  await writeFile(paths.pid, String(process.pid));
  t.is(await findQemu(paths), undefined);
  await writeFile(paths.started, '1\n');
  t.is(await findQemu(paths), undefined);
  t.true(await waitForExit(paths, 0));
  await writeFile(paths.started, `${await startOf(process.pid)}\n`);
  t.is(await findQemu(paths), process.pid);
});

test('finds an unrecorded QEMU by its working directory, even a removed one, and no other process', async (t) => {
  const runDir = await tempDir(t);
  const paths = createLayout({ dir: '/d', runDir }).paths(ID);
  await mkdir(paths.runDir);
  const startIn = async (cwd: string, ...args: string[]): Promise<number | undefined> => {
    const child = spawn('sh', ['-c', 'read line', ...args], { cwd, stdio: ['pipe', 'ignore', 'ignore'] });
    t.teardown(() => child.kill());
    await once(child, 'spawn');
    return child.pid;
  };
  await startIn(paths.runDir, 'sh', 'a shell left in the directory');
  await startIn(runDir, '-name', 'guest=another');
  t.is(await findAnyQemu(paths), undefined);
  const pid = await startIn(paths.runDir, '-name', `guest=${ID}`);
  t.is(await findAnyQemu(paths), pid);
  await rm(paths.runDir, { recursive: true });
  t.is(await findAnyQemu(paths), pid);
  t.true(await killQemu(paths, 10_000));
  t.is(await findAnyQemu(paths), undefined);
});
