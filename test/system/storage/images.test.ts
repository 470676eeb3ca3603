import { randomUUID } from 'node:crypto';
import { chmod, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { addImage, createGuest, qemuImg, serveHttp, startTestStorage } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';

const test = needs('qemu-img', 'qemu-io');

const fetchRequest = (id: string, source: string): object => ({ id, type: 'kvm', dest: '', source });

test('lists the other images beside a damaged one', async (t) => {
  const storage = await startTestStorage(t);
  await addImage(storage, 'good');
  await writeFile(join(storage.dir, 'images', 'bad.qcow2'), 'garbage');
  const { images } = await storage.call('ListImages', {});
  t.deepEqual(
    images.map(({ id, status }) => [id, status]),
    [
      ['bad', 'unreadable'],
      ['good', 'complete'],
    ],
  );
});

test('a damaged image can only be deleted, and then fetched again', async (t) => {
  const storage = await startTestStorage(t);
  const source = await addImage(storage, 'a');
  await createGuest(storage, [{ image: 'a' }]);
  const path = join(storage.dir, 'images', 'a.qcow2');
  await chmod(path, 0o600);
  await writeFile(path, 'garbage');
  t.is((await storage.call('GetImage', { id: 'a' })).images[0]?.status, 'unreadable');
  const message = /^image a is unreadable: delete it, then fetch it again: /;
  await t.throwsAsync(storage.call('RequestImage', fetchRequest('a', source)), { message });
  await t.throwsAsync(storage.call('CloneImage', { id: 'a', dest: 'b' }), { message });
  await t.throwsAsync(createGuest(storage, [{ image: 'a' }], randomUUID()), { message });
  await t.throwsAsync(storage.call('DeleteImage', { id: 'a' }), {
    message: /^image a is in use by the disks of/,
  });
  await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
  await storage.call('DeleteImage', { id: 'a' });
  const { images } = await storage.call('RequestImage', fetchRequest('a', source));
  t.is(images[0]?.status, 'complete');
});

test('two fetches of one image share one download', async (t) => {
  const storage = await startTestStorage(t);
  let requests = 0;
  const url = await serveHttp(t, (_, response) => {
    requests += 1;
    setTimeout(() => response.end(asDisk(Buffer.alloc(1024 * 1024, 1))), 100);
  });
  const request = fetchRequest('a', `${url}/a`);
  await Promise.all([storage.call('RequestImage', request), storage.call('RequestImage', request)]);
  t.is(requests, 1);
});

test('rejects an image with a backing file and leaves nothing', async (t) => {
  const storage = await startTestStorage(t);
  await addImage(storage, 'base');
  const evil = join(storage.importDir, 'evil.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', evil, '1M');
  await t.throwsAsync(storage.call('RequestImage', fetchRequest('evil', evil)), {
    message: /^image evil: the qcow2 image has a backing file/,
  });
  t.deepEqual(await readdir(join(storage.dir, 'images')), ['base.qcow2']);
  t.deepEqual(await readdir(join(storage.dir, 'tmp')), []);
});

test('rejects an image with an external data file', async (t) => {
  const storage = await startTestStorage(t);
  const evil = join(storage.importDir, 'evil.qcow2');
  const data = join(storage.importDir, 'data.raw');
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${data},data_file_raw=on`, evil, '1M');
  await t.throwsAsync(storage.call('RequestImage', fetchRequest('evil', evil)), {
    message: /external data file/,
  });
});

test('rejects an image of implausible size', async (t) => {
  const storage = await startTestStorage(t);
  const evil = join(storage.importDir, 'evil.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', evil, '20T');
  await t.throwsAsync(storage.call('RequestImage', fetchRequest('evil', evil)), {
    message: /more than 1000 times its size/,
  });
  await qemuImg('create', '-q', '-f', 'qcow2', evil, '100T').catch(() => truncate(evil, 100 * 2 ** 40));
  await t.throwsAsync(storage.call('RequestImage', fetchRequest('evil', evil)), { message: /more than/ });
});

test('rejects invalid ids and types', async (t) => {
  const storage = await startTestStorage(t);
  for (const id of ['', '../etc', 'a/../../b', '-rf', 'a b'])
    await t.throwsAsync(storage.call('RequestImage', fetchRequest(id, '/x')), {
      message: /^"image id" must/,
    });
  const container = { id: 'a', type: 'container', dest: '', source: '' };
  await t.throwsAsync(storage.call('RequestImage', container), { message: /not container images/ });
});

test('stores an image that is sound and needs no other file', async (t) => {
  const storage = await startTestStorage(t);
  await addImage(storage, 'a');
  const path = join(storage.dir, 'images', 'a.qcow2');
  await t.notThrowsAsync(qemuImg('check', '-q', '-f', 'qcow2', path));
  const { stdout } = await execa('qemu-img', ['info', '--output=json', '-f', 'qcow2', path]);
  t.false('backing-filename' in (JSON.parse(stdout) as object));
});
