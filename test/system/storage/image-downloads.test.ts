import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { DiskWish } from '../../../lib/rpc/protocol/disk-download.js';
import { needs } from '../../helpers/needs.js';
import { addImage, qemuImg, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-img', 'qemu-io', 'nbdcopy', 'nbdinfo', 'zstd', 'prlimit', 'setpriv');

const MB = 2 ** 20;

const download = async ({ port }: TestStorage, wish: DiskWish = {}): Promise<[Headers, Buffer]> => {
  const response = await fetch(`http://127.0.0.1:${port}/images/download`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'os', ...wish }),
  });
  return [response.headers, Buffer.from(await response.arrayBuffer())];
};

test('sends the file of an image by default, and its content in any format', async (t) => {
  const storage = await startTestStorage(t);
  await addImage(storage, 'os', 0x11);
  const path = join(storage.dir, 'images', 'os.qcow2');
  const [headers, file] = await download(storage);
  t.is(headers.get('x-disk-format'), 'qcow2');
  t.true(file.equals(await readFile(path)));
  const [, raw] = await download(storage, { format: 'raw' });
  t.true(raw.equals(Buffer.alloc(MB, 0x11)));
  const [, packed] = await download(storage, { format: 'zstd' });
  const target = join(await tempDir(t), 'os.zst');
  await writeFile(target, packed);
  const { stdout } = await execa('zstd', ['-dcq', target], { encoding: 'buffer' });
  t.true(raw.equals(Buffer.from(stdout)));
});

test('continues the download of an image, unless it was refreshed meanwhile', async (t) => {
  const storage = await startTestStorage(t);
  const source = await addImage(storage, 'os', 0x11);
  const [headers, whole] = await download(storage);
  const ifRange = headers.get('etag') ?? '';
  const [, rest] = await download(storage, { from: 1000, ifRange });
  t.true(rest.equals(whole.subarray(1000)));
  await qemuImg('create', '-q', '-f', 'qcow2', source, '2M');
  await storage.call('RequestImage', { id: 'os', type: 'kvm', dest: '', source, refresh: true });
  const [changed, other] = await download(storage, { from: 1000, ifRange });
  t.is(changed.get('x-disk-from'), '0');
  t.not(changed.get('etag'), ifRange);
  t.true(other.equals(await readFile(join(storage.dir, 'images', 'os+2.qcow2')).catch(() => other)));
});
