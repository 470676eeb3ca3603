import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { execa } from 'execa';
import type { MistifyClient } from '../../../lib/client/index.js';
import { buildGuestImage } from '../../../scripts/guest-image.js';
import { serveFile } from '../../helpers/file-server.js';
import { needsInTurn } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { serveHttp } from '../../helpers/storage.js';
import { gate, until } from '../../helpers/wait.js';

const MB = 2 ** 20;
const BOOT_TIMEOUT_MS = 240_000;

/** Waits until the Linux of a guest prints on its serial console that it is up. */
const waitUntilUp = (dbpath: string, id: string): Promise<true> =>
  until(
    `guest ${id} is up`,
    async () => {
      const log = await readFile(join(dbpath, 'qemu', 'guests', id, 'serial.log'), 'utf8').catch(() => '');
      return log.includes('mistify-guest: up') || undefined;
    },
    BOOT_TIMEOUT_MS,
  ) as Promise<true>;

const fetchImage = async (
  client: MistifyClient,
  id: string,
  source: string,
  sha256?: string,
): Promise<void> => {
  const { jobId } = await client.images.fetch({ id, source, ...(sha256 ? { sha256 } : {}) });
  await client.waitForJob(jobId);
};

needsInTurn('qemu-img')('a fetch reports its progress in its job', async (t) => {
  const { client } = await startRealAgent(t);
  const { opened, open } = gate();
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': 8 * MB });
    response.write(asDisk(Buffer.alloc(2 * MB, 1)));
    void opened.then(() => response.end(Buffer.alloc(6 * MB, 1)));
  });
  const { jobId } = await client.images.fetch({ id: 'a', source: `${url}/a` });
  const message = await until(
    'the job reports a percentage',
    async () => {
      const { Message, Status } = await client.jobs.get(jobId);
      return Status === 'Running' && Message.includes('25%') ? Message : undefined;
    },
    30_000,
  );
  t.is(message, '2 of 8 MB, 25%');
  open();
  t.is((await client.waitForJob(jobId)).Status, 'Complete');
});

needsInTurn('qemu-img')(
  'a fetch with a wrong checksum fails, and its job states both checksums',
  async (t) => {
    const { client } = await startRealAgent(t);
    const bytes = asDisk(Buffer.alloc(MB, 'disk'));
    const { url } = await serveFile(t, bytes);
    const actual = createHash('sha256').update(bytes).digest('hex');
    await t.throwsAsync(fetchImage(client, 'a', `${url}/a`, '0'.repeat(64)), {
      message: new RegExp(`${actual}, not 0{64}`),
    });
    t.deepEqual((await client.images.list()).items, []);
    await t.notThrowsAsync(fetchImage(client, 'a', `${url}/a`, actual));
  },
);

needsInTurn(
  'qemu-system-x86_64',
  'qemu-img',
  'nbdcopy',
  'xz',
  'syslinux',
  'mcopy',
  'sfdisk',
  'cpio',
  'mkfs.fat',
)('a downloaded snapshot can be fetched as an image, and boots', async (t) => {
  t.timeout(600_000);
  const { client, url, dbpath } = await startRealAgent(t);
  const importDir = join(dbpath, 'storage', 'import');
  await mkdir(importDir, { recursive: true });
  const packed = join(importDir, 'tiny-linux');
  await execa('xz', ['-0', '-c', await buildGuestImage()], { stdout: { file: packed } });
  await fetchImage(client, 'linux', packed);

  const { body: first, jobId } = await client.guests.create({ memory: 128, cpu: 1, image: 'linux' });
  await client.waitForJob(jobId);
  await waitUntilUp(dbpath, first.id);
  const snapshots = `${url}/guests/${first.id}/disks/0/snapshots`;
  const taken = await fetch(`${snapshots}?wait=60`, { method: 'POST', body: JSON.stringify({ dest: 'up' }) });
  t.is(taken.status, 200, await taken.text());
  const download = await fetch(`${snapshots}/up/download`);
  t.is(download.status, 200);
  const path = join(importDir, 'downloaded.raw');
  await pipeline(Readable.fromWeb(download.body as ReadableStream), createWriteStream(path));

  await fetchImage(client, 'again', path);
  const { jobId: deleted } = await client.guests.perform(first.id, 'delete');
  await client.waitForJob(deleted);
  const { body: second, jobId: created } = await client.guests.create({
    memory: 128,
    cpu: 1,
    image: 'again',
  });
  await client.waitForJob(created);
  await waitUntilUp(dbpath, second.id);
  const inUse = await t.throwsAsync(client.images.delete('again'));
  t.true(inUse.message.includes(second.id), inUse.message);
  t.deepEqual((await client.images.list()).items.map(({ id }) => id).sort(), ['again', 'linux']);
});

needsInTurn('qemu-img')('a cancelled fetch frees its id at once', async (t) => {
  const { client } = await startRealAgent(t);
  const { opened: asked, open: ask } = gate();
  const stuck = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': 8 * MB });
    response.write(asDisk(Buffer.alloc(2 * MB, 1)), () => ask());
  });
  const { jobId } = await client.images.fetch({ id: 'a', source: `${stuck}/a` });
  await asked;
  await client.jobs.cancel(jobId);
  const { url } = await serveFile(t, asDisk(Buffer.alloc(MB, 'disk')));
  const startedAt = Date.now();
  await t.notThrowsAsync(fetchImage(client, 'a', `${url}/a`));
  t.true(Date.now() - startedAt < 30_000);
});
