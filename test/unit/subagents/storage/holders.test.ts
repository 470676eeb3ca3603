import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { findHolders } from '../../../../lib/subagents/storage/holders.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

/** Keeps a file open with a shell's redirection. */
const openFile = async (t: ExecutionContext, path: string, redirection: string): Promise<number> => {
  const shell = execa('sh', ['-c', `exec 9${redirection}"$0"; exec sleep 60`, path], { reject: false });
  t.teardown(() => shell.kill());
  const holds = async (): Promise<boolean> =>
    (await findHolders([path], { readers: true }))[0]?.includes(`sleep (process ${shell.pid})`) ?? false;
  await until('the file is open', holds);
  return shell.pid ?? 0;
};

test('finds the programs that write to a file, by process and name', async (t) => {
  const dir = await tempDir(t);
  const [first, second] = [join(dir, 'first'), join(dir, 'second')];
  for (const path of [first, second]) await writeFile(path, '');
  const pid = await openFile(t, second, '<>');
  t.deepEqual(await findHolders([first, second, join(dir, 'missing')]), [[], [`sleep (process ${pid})`], []]);
});

test('ignores a program that only reads a file', async (t) => {
  const path = join(await tempDir(t), 'file');
  await writeFile(path, '');
  const pid = await openFile(t, path, '<');
  t.deepEqual(await findHolders([path]), [[]]);
  t.deepEqual(await findHolders([path], { readers: true }), [[`sleep (process ${pid})`]]);
});
