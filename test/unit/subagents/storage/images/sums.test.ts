import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Sums } from '../../../../../lib/subagents/storage/images/sums.js';
import { withFaults } from '../../../../helpers/faulty-disk.js';
import { tempDir } from '../../../../helpers/temp.js';

const ONE = { sha256: '1'.repeat(64) };
const TWO = { sha256: '2'.repeat(64), sha512: '2'.repeat(128) };

const openSums = async (t: ExecutionContext): Promise<{ sums: Sums; dir: string }> => {
  const dir = await tempDir(t);
  const sums = new Sums(dir);
  await sums.open([]);
  return { sums, dir };
};

test('keeps the old sum when the new one cannot be written to the device', async (t) => {
  const { sums, dir } = await openSums(t);
  await sums.set('a/b', { digests: ONE });
  const fault = { code: 'EIO', written: 0 } as const;
  for (const failing of ['sync', 'rename'])
    await withFaults(
      dir,
      (operation) => (operation === failing ? fault : undefined),
      () => t.throwsAsync(sums.set('a/b', { digests: TWO }), { code: 'EIO' }),
    );
  t.deepEqual(await sums.find('a/b'), { digests: ONE });
  t.deepEqual(await readdir(dir), ['a%2Fb']);
});

test('ignores a sum that a power cut has damaged', async (t) => {
  const { sums, dir } = await openSums(t);
  for (const text of ['', '\n', ONE.sha256.slice(1), '\0'.repeat(65)]) {
    await writeFile(join(dir, 'a'), text);
    t.deepEqual(await sums.find('a'), { digests: {} });
  }
});

test('stores both sums, and reads a file with one', async (t) => {
  const { sums, dir } = await openSums(t);
  await sums.set('a', { digests: TWO });
  t.deepEqual(await sums.find('a'), { digests: TWO });
  await writeFile(join(dir, 'old'), `${ONE.sha256}\n`);
  t.deepEqual(await sums.find('old'), { digests: ONE });
});
