import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { ifExists, replaceFile } from '../../../lib/files/atomic-files.js';
import { operationsIn, withFaults } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G15.

test('replaces a file by one that only its owner can read', async (t) => {
  const directory = await tempDir(t);
  const path = join(directory, 'file');
  await writeFile(path, 'old', { mode: 0o644 });
  await replaceFile(path, 'new');
  t.is(await readFile(path, 'utf8'), 'new');
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.deepEqual(await readdir(directory), ['file']);
});

test('syncs the new file before the rename and the directory after it', async (t) => {
  const directory = await tempDir(t);
  const operations = await operationsIn(directory, () => replaceFile(join(directory, 'file'), 'text'));
  t.deepEqual(
    operations.filter((each) => /^(sync|rename) /.test(each)),
    ['sync file+new', 'rename file+new', `sync ${basename(directory)}`],
  );
});

for (const operation of ['write', 'sync', 'rename'])
  test(`keeps the old file and removes the new one when the ${operation} fails`, async (t) => {
    const directory = await tempDir(t);
    const path = join(directory, 'file');
    await writeFile(path, 'old');
    const failing = (each: string, file: string) =>
      each === operation && file === 'file+new' ? ({ code: 'ENOSPC', written: 0.5 } as const) : undefined;
    await withFaults(directory, failing, () => t.throwsAsync(replaceFile(path, 'new'), { code: 'ENOSPC' }));
    t.is(await readFile(path, 'utf8'), 'old');
    t.deepEqual(await readdir(directory), ['file']);
  });

test('ifExists resolves to undefined for a missing file and rejects for any other error', async (t) => {
  const directory = await tempDir(t);
  t.is(await ifExists(readFile(join(directory, 'none'))), undefined);
  await t.throwsAsync(ifExists(readFile(directory)), { code: 'EISDIR' });
});
