import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { repairTail } from '../../../lib/files/repair-tail.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G12.

const repaired = async (t: ExecutionContext, content: string): Promise<{ cut: number; left: string }> => {
  const filename = join(await tempDir(t), 'file.db');
  await writeFile(filename, content);
  return { cut: await repairTail(filename), left: await readFile(filename, 'utf8') };
};

test('leaves complete lines alone', async (t) => {
  t.deepEqual(await repaired(t, 'one\ntwo\n'), { cut: 0, left: 'one\ntwo\n' });
});

test('cuts off an incomplete last line', async (t) => {
  t.deepEqual(await repaired(t, 'one\ntwo\nthr'), { cut: 3, left: 'one\ntwo\n' });
});

test('cuts off a torn line that is longer than one read', async (t) => {
  t.deepEqual(await repaired(t, `one\n${'x'.repeat(200_000)}`), { cut: 200_000, left: 'one\n' });
});

test('empties a file that is one torn line', async (t) => {
  t.deepEqual(await repaired(t, 'on'), { cut: 2, left: '' });
});

test('leaves an empty file alone', async (t) => {
  t.deepEqual(await repaired(t, ''), { cut: 0, left: '' });
});

test('ignores a missing file', async (t) => {
  t.is(await repairTail(join(await tempDir(t), 'none.db')), 0);
});
