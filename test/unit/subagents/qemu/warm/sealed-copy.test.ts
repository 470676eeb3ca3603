import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { sealedCopy } from '../../../../../lib/subagents/qemu/warm/sealed-copy.js';
import { needsInTurn } from '../../../../helpers/needs.js';
import { childrenOf } from '../../../../helpers/processes.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

const test = needsInTurn('perl');

const MB = 2 ** 20;

/** Writes a file of 3 MB and a bit: data, a hole, and data that does not fill a page. */
const makeFile = async (t: ExecutionContext): Promise<{ path: string; bytes: Buffer }> => {
  const path = join(await tempDir(t), 'ram');
  const bytes = Buffer.alloc(3 * MB + 100);
  bytes.fill('begin', 0, 70_000);
  bytes.fill('end', 3 * MB);
  const file = await open(path, 'w');
  await file.write(bytes, 0, 70_000, 0);
  await file.write(bytes, 3 * MB, 100, 3 * MB);
  await file.close();
  return { path, bytes };
};

const hasNoChildren = async (): Promise<boolean> => (await childrenOf(process.pid)).length === 0;

test('a copy has what the file has, holes as holes, and its program ends', async (t) => {
  const { path, bytes } = await makeFile(t);
  const copy = await sealedCopy(path);
  t.teardown(() => copy.close());
  const { size, blocks } = await copy.stat();
  t.is(size, bytes.length);
  t.true(blocks * 512 < MB, `${blocks} blocks`);
  const found = Buffer.alloc(bytes.length);
  await copy.read(found, 0, found.length, 0);
  t.true(found.equals(bytes));
  await until('perl has ended', hasNoChildren);
});

test('nobody can change a copy, not even by opening it for writing', async (t) => {
  const { path } = await makeFile(t);
  const copy = await sealedCopy(path);
  t.teardown(() => copy.close());
  const again = await open(`/proc/self/fd/${copy.fd}`, 'r+');
  t.teardown(() => again.close());
  await t.throwsAsync(again.write(Buffer.alloc(1), 0, 1, 0), { code: 'EPERM' });
  await t.throwsAsync(again.truncate(0), { code: 'EPERM' });
  await t.throwsAsync(again.truncate(8 * MB), { code: 'EPERM' });
});

test('a copy keeps what the file had when the file is changed or removed', async (t) => {
  const { path, bytes } = await makeFile(t);
  const copy = await sealedCopy(path);
  t.teardown(() => copy.close());
  await writeFile(path, 'other');
  const { buffer } = await copy.read(Buffer.alloc(5), 0, 5, 0);
  t.deepEqual(buffer, bytes.subarray(0, 5));
});

test('says why there is no copy, and leaves no program behind', async (t) => {
  const missing = join(await tempDir(t), 'ram');
  await t.throwsAsync(sealedCopy(missing), { message: new RegExp(`${missing}: No such file or directory`) });
  await until('perl has ended', hasNoChildren);
});
