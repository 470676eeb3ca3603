import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Locks } from '../../../lib/async/keyed-locks.js';
import type { DiskStore } from '../../../lib/subagents/storage/disk-store.js';
import { ImageFetcher } from '../../../lib/subagents/storage/images/fetcher.js';
import { Sums } from '../../../lib/subagents/storage/images/sums.js';
import { loopbackGuard as guard } from '../../helpers/loopback.js';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { addImage, startTestStorage } from '../../helpers/storage.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-img', 'qemu-io', 'prlimit', 'setpriv');

const OTHER_SUM = '0'.repeat(64);

const request = (id: string, sha256: string): object => ({ id, type: 'kvm', dest: '', source: '', sha256 });

test('accepts an existing image for a sum only if it was made from a file with that sum', async (t) => {
  const storage = await startTestStorage(t);
  const path = await addImage(storage, 'a');
  const actual = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  await t.notThrowsAsync(storage.call('RequestImage', request('a', actual)));
  await t.throwsAsync(storage.call('RequestImage', request('a', OTHER_SUM)), {
    message: `image a already exists, made from a file with the sha256 ${actual}, not ${OTHER_SUM}: delete it first`,
  });
  // The sum of an image that was removed by hand.
  await writeFile(join(storage.dir, 'sums', 'b'), actual);
  await storage.call('CloneImage', { id: 'a', dest: 'b' });
  await t.throwsAsync(storage.call('RequestImage', request('b', actual)), { message: /unknown sha256/ });
  await storage.call('DeleteImage', { id: 'a' });
  t.deepEqual(await readdir(join(storage.dir, 'sums')), []);
});

test('removes the sum of an image that could not be added', async (t) => {
  const dir = await tempDir(t);
  const path = join(dir, 'disk.raw');
  await writeFile(path, asDisk(randomBytes(65536)));
  const sums = new Sums(join(dir, 'sums'));
  await sums.open([]);
  const store = {
    workDir: dir,
    findImage: async () => undefined,
    addImage: () => Promise.reject(new Error('the pool is gone')),
  } as Partial<DiskStore> as DiskStore;
  const options = { store, sums, locks: new Locks(), log: silentLog, guard, importDirs: [dir] };
  await t.throwsAsync(new ImageFetcher(options).fetch('a', { source: path }), {
    message: 'image a: the pool is gone',
  });
  t.deepEqual(await sums.find('a'), { digests: {} });
});

test('removes the sums of missing images at the next start', async (t) => {
  const first = await startTestStorage(t);
  await addImage(first, 'a/b');
  await writeFile(join(first.dir, 'sums', 'gone'), OTHER_SUM);
  await first.close();
  await startTestStorage(t, join(first.dir, '..'));
  t.deepEqual(await readdir(join(first.dir, 'sums')), ['a%2Fb']);
});
