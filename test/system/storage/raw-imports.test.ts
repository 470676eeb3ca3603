import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { qemuImg, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-img', 'nbdcopy', 'nbdinfo', 'prlimit', 'setpriv');

const MB = 2 ** 20;
const SIZE = 64 * MB;
const OTHER_SUM = '0'.repeat(64);

/** Writes a disk of 64 MB with 2 MB of data, at its start and near its end. */
const makeDisk = async ({ importDir }: TestStorage, name = 'sparse.raw'): Promise<string> => {
  const path = join(importDir, name);
  const file = await open(path, 'w');
  await file.truncate(SIZE);
  await file.write(asDisk(randomBytes(MB)), 0, MB, 0);
  await file.write(randomBytes(MB), 0, MB, 60 * MB);
  await file.close();
  return path;
};

const sumOf = async (path: string, algorithm = 'sha256'): Promise<string> =>
  createHash(algorithm)
    .update(await readFile(path))
    .digest('hex');

const fetch = (storage: TestStorage, source: string, rest: object = {}) =>
  storage.call('RequestImage', { id: 'a', type: 'kvm', dest: '', source, ...rest });

const assertSame = async (t: ExecutionContext, { dir }: TestStorage, source: string): Promise<void> => {
  const path = join(await tempDir(t), 'content.raw');
  await qemuImg('convert', '-O', 'raw', join(dir, 'images', 'a.qcow2'), path);
  t.is(await sumOf(path), await sumOf(source));
};

test('imports a raw disk without a copy, and takes no room for its holes', async (t) => {
  const storage = await startTestStorage(t);
  const source = await makeDisk(storage);
  const { images } = await fetch(storage, source);
  t.like(images[0], { id: 'a', size: 64, status: 'complete', kind: 'disk' });
  await assertSame(t, storage, source);
  t.true((await stat(join(storage.dir, 'images', 'a.qcow2'))).blocks * 512 < 4 * MB);
  t.deepEqual(await readdir(join(storage.dir, 'tmp')), []);
});

test('calculates the sum of an imported raw disk once a request names one', async (t) => {
  const storage = await startTestStorage(t);
  const source = await makeDisk(storage);
  await fetch(storage, source);
  const record = join(storage.dir, 'sums', 'a');
  t.is(await readFile(record, 'utf8'), `raw ${SIZE}\n`);
  const sha256 = await sumOf(source);
  const dryRun = await storage.call('CheckImage', { id: 'a', type: 'kvm', dest: '', source: '', sha256 });
  t.is(dryRun.message, 'image a exists, and the fetch calculates the sum of its file');
  await t.throwsAsync(fetch(storage, '', { sha256: OTHER_SUM }), {
    message: `image a already exists, made from a file with the sha256 ${sha256}, not ${OTHER_SUM}: delete it first`,
  });
  await t.notThrowsAsync(fetch(storage, '', { sha256 }));
  t.is(await readFile(record, 'utf8'), `${sha256}\nraw ${SIZE}\n`);
  const sha512 = await sumOf(source, 'sha512');
  await t.notThrowsAsync(fetch(storage, '', { sha512 }));
});

test('checks a sum that the request names over all bytes of a raw disk, holes included', async (t) => {
  const storage = await startTestStorage(t);
  const source = await makeDisk(storage);
  const sha256 = await sumOf(source);
  await t.throwsAsync(fetch(storage, source, { sha256: OTHER_SUM }), {
    message: `image a: the fetched file has the sha256 ${sha256}, not ${OTHER_SUM}`,
  });
  for (const part of ['images', 'tmp', 'sums']) t.deepEqual(await readdir(join(storage.dir, part)), [], part);
  await fetch(storage, source, { sha256, sha512: await sumOf(source, 'sha512') });
  await assertSame(t, storage, source);
});

test('finds out that a refreshed raw disk has the same content, whatever its holes', async (t) => {
  const storage = await startTestStorage(t);
  const source = await makeDisk(storage);
  await fetch(storage, source);
  const full = join(storage.importDir, 'full.raw');
  await qemuImg('convert', '-S', '0', '-O', 'raw', source, full);
  const same = await fetch(storage, full, { refresh: true });
  t.is(same.message, 'image a is up to date');
  const file = await open(full, 'r+');
  await file.write(Buffer.from('x'), 0, 1, 40 * MB);
  await file.close();
  const other = await fetch(storage, full, { refresh: true });
  t.is(other.message, 'image a was refreshed');
});

test('imports a raw disk of a blank file, and rejects one that is cut off within a sector', async (t) => {
  const storage = await startTestStorage(t);
  const source = join(storage.importDir, 'blank.raw');
  await qemuImg('create', '-q', '-f', 'raw', source, '64M');
  await t.throwsAsync(fetch(storage, source), { message: /not known to be a disk/ });
  t.is((await fetch(storage, source, { format: 'raw' })).images[0]?.size, 64);
  const file = await open(source, 'r+');
  await file.truncate(64 * MB - 1);
  await file.close();
  await t.throwsAsync(fetch(storage, source, { format: 'raw', refresh: true }), {
    message: /no multiple of 512/,
  });
});
