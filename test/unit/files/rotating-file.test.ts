import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RotatingFile } from '../../../lib/files/rotating-file.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const openFile = (t: ExecutionContext, directory: string, maxBytes?: number): RotatingFile => {
  const file = new RotatingFile({ directory, name: 'audit.log', maxBytes });
  t.teardown(() => file.close());
  return file;
};

const contents = async (directory: string): Promise<string[]> => {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
};

test('renames a full file, and keeps the newest ten', async (t) => {
  const directory = await tempDir(t);
  await writeFile(join(directory, '20240601-1200-01-audit.log'), 'old\n');
  const file = openFile(t, directory, 1);
  for (let n = 0; n < 12; n += 1) {
    await file.append(`${n}\n`);
    const now = Date.now();
    await until('the next name differs', () => Date.now() > now);
  }
  t.deepEqual(
    await contents(directory),
    Array.from({ length: 11 }, (_, n) => `${n + 1}\n`),
  );
});

test('retries a failed rename and loses nothing', async (t) => {
  const directory = await tempDir(t);
  const file = openFile(t, directory, 1);
  await file.append('a\n');
  const unmovable = (operation: string) =>
    operation === 'rename' ? ({ code: 'EIO', written: 0 } as const) : undefined;
  await withFaults(directory, unmovable, () => t.throwsAsync(file.append('b\n'), { code: 'EIO' }));
  await file.append('b\n');
  t.deepEqual(await contents(directory), ['a\n', 'b\n']);
});

test('a failed write takes nothing of what another program has appended', async (t) => {
  const directory = await tempDir(t);
  const file = openFile(t, directory);
  await file.append('a\n');
  await appendFile(join(directory, 'audit.log'), 'other\n');
  const full = (operation: string) =>
    operation === 'append' ? ({ code: 'ENOSPC', written: 0.5 } as const) : undefined;
  await withFaults(directory, full, () => t.throwsAsync(file.append('b\n'), { code: 'ENOSPC' }));
  await file.append('b\n');
  t.deepEqual(await contents(directory), ['a\nother\nb\n']);
});

test('cuts off a torn line before it appends', async (t) => {
  const directory = await tempDir(t);
  await appendFile(join(directory, 'audit.log'), 'a\nhal');
  await openFile(t, directory).append('b\n');
  t.deepEqual(await contents(directory), ['a\nb\n']);
});
