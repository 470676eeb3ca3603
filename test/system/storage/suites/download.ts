import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../../../lib/model/guest.js';
import type { DiskWish } from '../../../../lib/rpc/protocol/disk-download.js';
import type { Backend } from '../../../helpers/backends.js';
import { startLiveGuest } from '../../../helpers/live-guest.js';
import {
  addImage,
  createGuest,
  openDownload,
  qemuImg,
  snapshotRequest,
  type TestStorage,
} from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

const GUEST = `guests/${GUEST_ID}`;
const MB = 2 ** 20;

const download = (port: number, id: string, wish: DiskWish = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/snapshots/download`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...snapshotRequest(id), ...wish }),
  });

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

/** Downloads of snapshots, for every back end. */
export const downloadSuite = (backend: Backend): void => {
  const { test } = backend;

  const startGuest = async (
    t: ExecutionContext,
    disks: Partial<Disk>[],
  ): Promise<TestStorage & { disks: Disk[] }> => {
    const storage = await backend.start(t);
    await addImage(storage, 'os', 0x11);
    return { ...storage, disks: await createGuest(storage, disks) };
  };

  test('streams a snapshot as the raw disk it captured', async (t) => {
    const { port, call, disks } = await startGuest(t, [{ image: 'os', size: 2 }]);
    await backend.io(disks[0]?.source ?? '', 'write -P 0x22 512k 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    await backend.io(disks[0]?.source ?? '', 'write -P 0x33 0 2M');
    const response = await download(port, `${GUEST}@one`);
    t.is(response.status, 200);
    t.is(response.headers.get('content-type'), 'application/octet-stream');
    const disk = Buffer.alloc(2 * MB)
      .fill(0x11, 0, MB / 2)
      .fill(0x22, MB / 2, 1.5 * MB);
    t.true(Buffer.from(await response.arrayBuffer()).equals(disk));
  });

  test('sends a snapshot as a qcow2 file of its data alone, and compressed with zstd', async (t) => {
    const { port, call, disks } = await startGuest(t, [{ image: 'os', size: 64 }]);
    await backend.io(disks[0]?.source ?? '', 'write -P 0x22 40M 1M');
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const raw = await bytesOf(await download(port, `${GUEST}@one`));
    const dir = await tempDir(t);
    const [qcow2, zstd, made] = ['qcow2', 'zstd', 'made'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ];
    const response = await download(port, `${GUEST}@one`, { format: 'qcow2' });
    const content = await bytesOf(response);
    t.is(response.headers.get('content-length'), String(content.length));
    t.true(content.length < 3 * MB, `${content.length} bytes`);
    await writeFile(qcow2, content);
    await qemuImg('check', '-q', '-f', 'qcow2', qcow2);
    await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', qcow2, made);
    t.true(raw.equals(await readFile(made)));
    const packed = await bytesOf(await download(port, `${GUEST}@one`, { format: 'zstd' }));
    t.true(packed.length < MB, `${packed.length} bytes`);
    await writeFile(zstd, packed);
    const { stdout } = await execa('zstd', ['-dcq', zstd], { encoding: 'buffer', maxBuffer: 65 * MB });
    t.true(raw.equals(Buffer.from(stdout)));
  });

  test('continues a download at any byte while the snapshot is the same', async (t) => {
    const { port, call, disks } = await startGuest(t, [{ image: 'os', size: 4 }]);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    for (const format of ['raw', 'qcow2'] as const) {
      const response = await download(port, `${GUEST}@one`, { format });
      const etag = response.headers.get('etag') ?? '';
      t.regex(etag, /^"[0-9a-f]{32}"$/);
      const whole = await bytesOf(response);
      for (const from of [1, 70_001, whole.length - 1]) {
        const rest = await download(port, `${GUEST}@one`, { format, from, ifRange: etag });
        t.is(rest.headers.get('x-disk-from'), String(from));
        t.true(whole.subarray(from).equals(await bytesOf(rest)), `${format} from ${from}`);
      }
      const other = await download(port, `${GUEST}@one`, { format, from: 5, ifRange: '"other"' });
      t.is(other.headers.get('x-disk-from'), '0');
      t.true(whole.equals(await bytesOf(other)));
      const beyond = await download(port, `${GUEST}@one`, { format, from: whole.length });
      t.is(beyond.status, 416);
      t.regex(await beyond.text(), /none from byte \d+ on: it is complete/);
    }
    await call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`));
    t.is(disks.length, 1);
  });

  test('sends the length before the bytes', async (t) => {
    const { port, call } = await startGuest(t, [{ size: 64 }]);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await openDownload(port, `${GUEST}@one`);
    t.is(response.headers['content-length'], String(64 * MB));
    response.destroy();
  });

  test('requires a disk in the id when the guest has several', async (t) => {
    const { port, call } = await startGuest(t, [{ size: 1 }, { size: 2 }]);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await download(port, `${GUEST}@one`);
    t.is(response.status, 400);
    t.is(await response.text(), `guest ${GUEST_ID} has 2 disks: name one in the snapshot id\n`);
    const named = await download(port, `${GUEST}/disk-vdb@one`);
    t.is((await named.arrayBuffer()).byteLength, 2 * MB);
  });

  test('responds 404 to an unknown snapshot, disk or guest, and 400 to a malformed id', async (t) => {
    const { port } = await startGuest(t, [{ size: 1 }]);
    const unknown = 'guests/0b8a7c1e-3f55-4a55-8a34-5f2f3a3e7f01@one';
    for (const id of [`${GUEST}@none`, `${GUEST}/disk-9@one`, unknown]) {
      const response = await download(port, id);
      t.is(response.status, 404);
      t.regex(await response.text(), /: not found\n$/);
    }
    t.is((await download(port, GUEST)).status, 400);
  });

  test('rejects deleting or rolling back to a snapshot while it is downloaded', async (t) => {
    const { port, call } = await startGuest(t, [{ size: 64 }]);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await openDownload(port, `${GUEST}@one`);
    for (const method of ['DeleteSnapshot', 'RollbackSnapshot'])
      await t.throwsAsync(call(method, snapshotRequest(`${GUEST}@one`)), {
        message: `snapshot one of disk 0 of guest ${GUEST_ID} is being read, for a download, an export, a clone or an image: try again after that`,
      });
    await t.notThrowsAsync(call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'two' })));
    t.is((await buffer(response)).length, 64 * MB);
    await t.notThrowsAsync(call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`)));
  });

  test('completes a download whose guest is deleted meanwhile', async (t) => {
    const { port, call } = await startGuest(t, [{ image: 'os', size: 64 }]);
    await call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await openDownload(port, `${GUEST}@one`);
    await call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    await call('DeleteImage', { id: 'os' });
    const disk = Buffer.alloc(64 * MB).fill(0x11, 0, MB);
    t.true((await buffer(response)).equals(disk));
  });

  test('stops reading within a second after the client disconnects', async (t) => {
    const storage = await startGuest(t, [{ size: 64 }]);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const path = storage.disks[0]?.source ?? '';
    const response = await openDownload(storage.port, `${GUEST}@one`);
    t.true((await backend.readers(storage, path)) > 0);
    response.destroy();
    await until('nothing reads the disk', async () => (await backend.readers(storage, path)) === 0, 1000);
    const remove = (): Promise<boolean> =>
      storage.call('DeleteSnapshot', snapshotRequest(`${GUEST}@one`)).then(
        () => true,
        () => false,
      );
    t.true(await until('the snapshot can be deleted', remove));
  });

  test('aborts the connection when a download fails midway', async (t) => {
    const storage = await startGuest(t, [{ size: 64 }]);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await openDownload(storage.port, `${GUEST}@one`);
    await backend.breakReaders(storage, storage.disks[0]?.source ?? '');
    await t.throwsAsync(buffer(response));
    t.false(response.complete);
  });

  test('buffers little of a download that the client does not read', async (t) => {
    const storage = await startGuest(t, [{ size: 1024 }]);
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const before = process.memoryUsage().rss;
    const response = await openDownload(storage.port, `${GUEST}@one`);
    await delay(1000);
    t.true(process.memoryUsage().rss - before < 64 * MB);
    response.destroy();
  });

  test('a downloaded snapshot can be fetched as an image', async (t) => {
    const storage = await startGuest(t, [{ image: 'os', size: 2 }]);
    await backend.io(storage.disks[0]?.source ?? '', 'write -P 0x22 1M 1M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await download(storage.port, `${GUEST}@one`);
    const source = join(storage.importDir, 'downloaded');
    await writeFile(source, Buffer.from(await response.arrayBuffer()));
    await storage.call('RequestImage', { id: 'again', type: 'kvm', dest: '', source, format: 'raw' });
    await t.notThrowsAsync(backend.imageIo(storage, 'again', 'read -P 0x11 0 1M'));
    await t.notThrowsAsync(backend.imageIo(storage, 'again', 'read -P 0x22 1M 1M'));
  });

  test('streams a snapshot unchanged while its guest writes', async (t) => {
    const storage = await startGuest(t, [{ size: 8 }]);
    const { io } = await startLiveGuest(t, storage, storage.disks);
    await io(0, 'write -P 0x22 0 8M');
    await storage.call('CreateSnapshot', snapshotRequest(GUEST, { dest: 'one' }));
    const response = await openDownload(storage.port, `${GUEST}@one`);
    await io(0, 'write -P 0x33 0 8M');
    const hash = createHash('sha256')
      .update(await buffer(response))
      .digest('hex');
    t.is(
      hash,
      createHash('sha256')
        .update(Buffer.alloc(8 * MB, 0x22))
        .digest('hex'),
    );
  });
};
