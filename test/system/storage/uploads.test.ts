import { createHash } from 'node:crypto';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import type { ImageUpload } from '../../../lib/model/image-upload.js';
import { needs } from '../../helpers/needs.js';
import { qemuImg, qemuIo, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-img', 'qemu-io');

interface Answer {
  status: number;
  message: string;
  upload?: ImageUpload;
}

/** Sends a piece of an image's file. */
const send = (
  { port }: TestStorage,
  { id, offset, size, refresh = false }: { id: string; offset: number; size: number; refresh?: boolean },
  bytes: Buffer,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const query = new URLSearchParams({ request: JSON.stringify({ id, offset, size, refresh }) });
    request({ port, path: `/images/upload?${query}`, method: 'POST', agent: false }, async (response) => {
      const message = await text(response);
      const status = response.statusCode ?? 0;
      resolve({ status, message, ...(status === 200 ? JSON.parse(message) : {}) });
    })
      .on('error', reject)
      .end(bytes);
  });

/** Makes a file with a qcow2 image. */
const imageFile = async (t: ExecutionContext): Promise<Buffer> => {
  const path = join(await tempDir(t), 'image');
  await qemuImg('create', '-q', '-f', 'qcow2', path, '4M');
  await qemuIo(path, 'write -P 0x22 0 1M');
  return readFile(path);
};

const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const uploadsIn = ({ dir }: TestStorage): Promise<string[]> => readdir(join(dir, 'uploads'));

const finish = (storage: TestStorage, id: string, rest: object = {}, attempt = 1) =>
  storage.call('RequestImage', { id, upload: true, ...rest }, attempt);

test('takes an image in pieces, and makes it an image once it is complete', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = await imageFile(t);
  const size = bytes.length;
  const first = await send(storage, { id: 'a/b', offset: 0, size }, bytes.subarray(0, 1000));
  t.like(first.upload, { id: 'a/b', size, received: 1000 });
  await t.throwsAsync(finish(storage, 'a/b'), {
    message: `the upload of image a/b has 1000 of ${size} bytes: send the rest`,
  });
  const rest = await send(storage, { id: 'a/b', offset: 1000, size }, bytes.subarray(1000));
  t.is(rest.upload?.received, size);
  const { images } = await finish(storage, 'a/b', { sha256: sumOf(bytes) });
  t.like(images[0], { id: 'a/b', size: 4, status: 'complete' });
  await qemuIo(join(storage.dir, 'images', 'a%2Fb.qcow2'), 'read -P 0x22 0 1M');
  t.deepEqual(await uploadsIn(storage), []);
  t.like((await finish(storage, 'a/b', {}, 2)).images[0], { id: 'a/b' });
});

test('keeps what a killed storage has received, and continues there', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = await imageFile(t);
  await send(storage, { id: 'x', offset: 0, size: bytes.length }, bytes.subarray(0, 5000));
  await storage.close();
  const again = await startTestStorage(t, dirname(storage.dir));
  const { upload } = (await again.call('GetUpload', { id: 'x' })) as unknown as { upload: ImageUpload };
  t.is(upload.received, 5000);
  const rest = bytes.subarray(5000);
  t.is(
    (await send(again, { id: 'x', offset: 5000, size: bytes.length }, rest)).upload?.received,
    bytes.length,
  );
});

test('rejects a piece that does not follow what is there', async (t) => {
  const storage = await startTestStorage(t);
  const piece = Buffer.alloc(10);
  await send(storage, { id: 'x', offset: 0, size: 100 }, piece);
  const answers = [
    await send(storage, { id: 'x', offset: 20, size: 100 }, piece),
    await send(storage, { id: 'x', offset: 10, size: 99 }, piece),
    await send(storage, { id: 'y', offset: 10, size: 100 }, piece),
    await send(storage, { id: 'x', offset: 10, size: 15 + 85 }, Buffer.alloc(200)),
  ];
  t.deepEqual(
    answers.map(({ status }) => status),
    [409, 409, 404, 400],
  );
  t.regex(answers[0]?.message ?? '', /has 10 bytes: continue there, or begin again at byte 0/);
});

test('a damaged upload becomes no image, and is removed', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = await imageFile(t);
  const size = bytes.length;
  const damaged = Buffer.from(bytes);
  damaged[size - 1] = 0xff;
  await send(storage, { id: 'x', offset: 0, size }, damaged);
  await t.throwsAsync(finish(storage, 'x', { sha256: sumOf(bytes) }), { message: /sha256/ });
  const web = Buffer.from('<html>not an image</html>');
  await send(storage, { id: 'y', offset: 0, size: web.length }, web);
  await t.throwsAsync(finish(storage, 'y'), { message: /web page|HTML|not recognis/i });
  t.deepEqual((await storage.call('ListImages', { type: '' })).images, []);
  t.deepEqual(await uploadsIn(storage), []);
});

test('rejects at its first byte an upload that does not fit, or whose image exists', async (t) => {
  const storage = await startTestStorage(t);
  const huge = await send(storage, { id: 'x', offset: 0, size: 2 ** 50 }, Buffer.alloc(10));
  t.is(huge.status, 507);
  t.regex(huge.message, /no space left/);
  t.deepEqual(await uploadsIn(storage), []);
  const bytes = await imageFile(t);
  await send(storage, { id: 'x', offset: 0, size: bytes.length }, bytes);
  await finish(storage, 'x');
  const taken = await send(storage, { id: 'x', offset: 0, size: bytes.length }, bytes);
  t.is(taken.status, 409);
  t.regex(taken.message, /exists already: choose another id, or replace it/);
  const refreshed = await send(storage, { id: 'x', offset: 0, size: bytes.length, refresh: true }, bytes);
  t.is(refreshed.status, 200);
  t.regex((await finish(storage, 'x', { refresh: true })).message ?? '', /up to date/);
});

test('removes an upload on request, and one that got no bytes for a day', async (t) => {
  const storage = await startTestStorage(t);
  for (const id of ['x', 'y', 'z']) await send(storage, { id, offset: 0, size: 100 }, Buffer.alloc(10));
  await storage.call('DeleteUpload', { id: 'x' });
  await t.throwsAsync(storage.call('GetUpload', { id: 'x' }), { message: 'upload of image x: not found' });
  const old = new Date(Date.now() - 25 * 60 * 60_000);
  const dir = join(storage.dir, 'uploads');
  const expired = createHash('sha256').update('y').digest('hex');
  await utimes(join(dir, `${expired}.part`), old, old);
  await writeFile(join(dir, 'orphan.json'), '{}');
  await storage.close();
  const again = await startTestStorage(t, dirname(storage.dir));
  await until('it is removed', async () => (await uploadsIn(again)).length === 2);
  await t.notThrowsAsync(again.call('GetUpload', { id: 'z' }));
});

test('sends the file of an image, from any of its bytes', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = await imageFile(t);
  await send(storage, { id: 'x', offset: 0, size: bytes.length }, bytes);
  await finish(storage, 'x');
  const stored = await readFile(join(storage.dir, 'images', 'x.qcow2'));
  const download = async (from: number): Promise<[number, Buffer]> => {
    const response = await fetch(`http://127.0.0.1:${storage.port}/images/download`, {
      method: 'POST',
      body: JSON.stringify({ id: 'x', from }),
    });
    return [response.status, Buffer.from(await response.arrayBuffer())];
  };
  t.deepEqual(await download(0), [200, stored]);
  t.deepEqual(await download(100_000), [200, stored.subarray(100_000)]);
  t.is((await download(stored.length))[0], 416);
});
