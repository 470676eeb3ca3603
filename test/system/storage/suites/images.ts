import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '../../../helpers/backends.js';
import { asDisk, isoBytes } from '../../../helpers/raw-disk.js';
import {
  addImage,
  createGuest,
  qemuImg,
  qemuIo,
  serveHttp,
  snapshotRequest,
} from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { gate, until } from '../../../helpers/wait.js';

const fetchRequest = (id: string, source: string, rest: object = {}): object => ({
  id,
  type: 'kvm',
  dest: '',
  source,
  ...rest,
});

/** The formats of images, with QEMU's names for them and its options. */
const FORMATS = [
  ['raw', 'raw'],
  ['qcow2', 'qcow2'],
  ['vmdk', 'vmdk'],
  ['vhd', 'vpc', '-o', 'force_size=on'],
  ['vhdx', 'vhdx'],
  ['vdi', 'vdi'],
] as const;

/** Images, for every back end. */
export const imagesSuite = (backend: Backend): void => {
  const { test } = backend;

  for (const [format, qemuFormat, ...options] of FORMATS) {
    test(`fetches a ${format} image over HTTP with its content`, async (t) => {
      const storage = await backend.start(t);
      const path = join(storage.importDir, 'disk.bin');
      await qemuImg('create', '-q', '-f', 'qcow2', `${path}.tmp`, '3M');
      await qemuIo(`${path}.tmp`, 'write -P 0x42 1M 1M');
      await qemuImg('convert', '-f', 'qcow2', '-O', qemuFormat, ...options, `${path}.tmp`, path);
      const bytes = await readFile(path);
      const url = await serveHttp(t, (_, response) => void response.end(bytes));
      const { images } = await storage.call(
        'RequestImage',
        fetchRequest('debian/12', `${url}/disk.bin`, { format }),
      );
      const image = { id: 'debian/12', type: 'kvm', volume: 'images/debian/12', size: 3, status: 'complete' };
      t.like(images, [image]);
      // ZFS counts the space only when it has written the transaction group.
      await until('the image takes space', async () => {
        const { images: now } = await storage.call('GetImage', { id: 'debian/12' });
        return (now[0]?.used ?? 0) >= 1;
      });
      await t.notThrowsAsync(backend.imageIo(storage, 'debian/12', 'read -P 0x42 1M 1M'));
      await t.notThrowsAsync(backend.imageIo(storage, 'debian/12', 'read -P 0 2M 1M'));
    });
  }

  test('reports the space of its file system or pool', async (t) => {
    const storage = await backend.start(t);
    const { size, free, used, leftovers } = await storage.call('Space', { leftovers: true });
    t.true(free > 0 && used > 0 && free + used <= size + 1, JSON.stringify({ size, free, used }));
    t.deepEqual(leftovers, []);
  });

  test('lists, gets and deletes images', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'b:1');
    await addImage(storage, 'a');
    const list = async (type: string): Promise<string[]> =>
      (await storage.call('ListImages', { type })).images.map(({ id }) => id);
    t.deepEqual(await list(''), ['a', 'b:1']);
    t.deepEqual(await list('container'), []);
    t.is((await storage.call('GetImage', { id: 'b:1' })).images[0]?.size, 1);
    await storage.call('DeleteImage', { id: 'b:1' });
    t.deepEqual(await list('kvm'), ['a']);
  });

  test('says of an image whether it is an ISO image, and what boots it', async (t) => {
    const storage = await backend.start(t);
    await writeFile(join(storage.importDir, 'cd.iso'), isoBytes());
    const source = `file://${join(storage.importDir, 'cd.iso')}`;
    const { images } = await storage.call('RequestImage', fetchRequest('cd', source));
    t.like(images, [{ id: 'cd', kind: 'iso', boots: ['bios'] }]);
    await addImage(storage, 'disk');
    await storage.call('CloneImage', { id: 'cd', dest: 'copy' });
    const list = await storage.call('ListImages', {});
    t.deepEqual(
      list.images.map(({ id, kind, boots }) => ({ id, kind, boots })),
      [
        { id: 'cd', kind: 'iso', boots: ['bios'] },
        { id: 'copy', kind: 'iso', boots: ['bios'] },
        { id: 'disk', kind: 'disk', boots: ['bios'] },
      ],
    );
  });

  test('reports an unknown image as no such image', async (t) => {
    const storage = await backend.start(t);
    for (const method of ['GetImage', 'DeleteImage'])
      await t.throwsAsync(storage.call(method, { id: 'none' }), { message: 'image none: no such image' });
  });

  test('succeeds at once for an image that the store already has', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'a');
    const { images } = await storage.call('RequestImage', fetchRequest('a', 'http://127.0.0.1:1/gone'));
    t.is(images[0]?.status, 'complete');
  });

  test('a broken fetch leaves nothing and can be repeated', async (t) => {
    const storage = await backend.start(t);
    let broken = true;
    const url = await serveHttp(t, (_, response) => {
      response.writeHead(200, { 'content-length': '65536' });
      if (broken) response.write('some', () => response.destroy());
      else response.end(asDisk(Buffer.alloc(65536, 1)));
    });
    await t.throwsAsync(storage.call('RequestImage', fetchRequest('a', `${url}/a`)), {
      message: /^image a: /,
    });
    t.deepEqual(await backend.contents(storage), { images: [], guests: [], work: [] });
    broken = false;
    await t.notThrowsAsync(storage.call('RequestImage', fetchRequest('a', `${url}/a`)));
  });

  test('a clone of an image is independent of it', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'a', 0x77);
    await storage.call('CloneImage', { id: 'a', type: '', dest: 'b', source: '' });
    await storage.call('DeleteImage', { id: 'a' });
    await t.notThrowsAsync(backend.imageIo(storage, 'b', 'read -P 0x77 0 1M'));
    await t.throwsAsync(storage.call('CloneImage', { id: 'b', dest: 'b' }), { message: /already exists/ });
    await t.throwsAsync(storage.call('CloneImage', { id: 'a', dest: 'c' }), { message: /no such image$/ });
  });

  test('a fetch does not replace a clone that was created meanwhile', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'a', 0x77);
    const { opened, open } = gate();
    const asked = gate();
    const url = await serveHttp(t, (_, response) => {
      asked.open();
      void opened.then(() => response.end(asDisk(Buffer.alloc(2 ** 20, 1))));
    });
    const fetched = storage.call('RequestImage', fetchRequest('b', `${url}/b`));
    await asked.opened;
    await storage.call('CloneImage', { id: 'a', dest: 'b' });
    open();
    await t.throwsAsync(fetched, {
      message: /^image b: another image was cloned under this id during the fetch: delete that image first$/,
    });
    await t.notThrowsAsync(backend.imageIo(storage, 'b', 'read -P 0x77 0 1M'));
    t.deepEqual(await readdir(join(storage.dir, 'sums')), ['a']);
  });

  test('removes, when it starts, what a killed process left unfinished', async (t) => {
    const storage = await backend.start(t);
    await addImage(storage, 'a');
    await backend.litter(storage);
    t.not((await backend.contents(storage)).work.length, 0);
    const { call } = await backend.startAgain(t, storage);
    t.deepEqual(await backend.contents(storage), { images: ['a'], guests: [], work: [] });
    t.is((await call('ListImages', {})).images.length, 1);
  });

  test('refreshes an image, and guests keep the version that they were made of', async (t) => {
    const storage = await backend.start(t);
    const source = await addImage(storage, 'a', 0x11);
    const refresh = (): ReturnType<typeof storage.call> =>
      storage.call('RequestImage', fetchRequest('a', source, { refresh: true }));
    const [old] = await createGuest(storage, [{ image: 'a' }]);
    t.is((await refresh()).message, 'image a is up to date');
    const kept = await storage.call('RequestImage', fetchRequest('a', 'http://127.0.0.1:1/other'));
    t.is(
      kept.message,
      'image a exists already and was not fetched again: ask for a refresh to get a newer one',
    );
    for (const byte of [0x22, 0x33]) {
      await qemuIo(source, `write -P ${byte} 0 1M`);
      const { images, message } = await refresh();
      t.regex(message ?? '', /^image a was refreshed/);
      t.is(images[0]?.status, 'complete');
    }
    t.deepEqual(
      (await storage.call('ListImages', {})).images.map(({ id }) => id),
      ['a'],
    );
    const other = '0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01';
    const [fresh] = await createGuest(storage, [{ image: 'a' }], other);
    await t.notThrowsAsync(backend.io(old?.source ?? '', 'read -P 0x11 0 1M'));
    await t.notThrowsAsync(backend.io(fresh?.source ?? '', 'read -P 0x33 0 1M'));
    for (const id of [GUEST_ID, other]) {
      await t.notThrowsAsync(storage.call('VerifyDisks', { guest: { id, disks: [{}] } }));
      await storage.call('CreateSnapshot', snapshotRequest(`guests/${id}`, { dest: 'one' }));
    }
    const { call } = await backend.startAgain(t, storage);
    await t.notThrowsAsync(backend.io(old?.source ?? '', 'read -P 0x11 0 1M'));
    for (const id of [GUEST_ID, other]) await call('DeleteGuestsDisks', { guest: { id } });
    t.is((await backend.contents(storage)).images.length, 1);
    const third = await createGuest({ ...storage, call }, [{ image: 'a' }]);
    await t.notThrowsAsync(backend.io(third[0]?.source ?? '', 'read -P 0x33 0 1M'));
    await call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    await call('DeleteImage', { id: 'a' });
    t.deepEqual(await backend.contents(storage), { images: [], guests: [], work: [] });
  });

  test('keeps an image whose refresh fails', async (t) => {
    const storage = await backend.start(t);
    const source = await addImage(storage, 'a', 0x11);
    await writeFile(source, 'no image any longer');
    await t.throwsAsync(storage.call('RequestImage', fetchRequest('a', source, { refresh: true })), {
      message: /is text, not an image/,
    });
    await t.notThrowsAsync(backend.imageIo(storage, 'a', 'read -P 0x11 0 1M'));
    t.is((await storage.call('ListImages', {})).images.length, 1);
  });
};
