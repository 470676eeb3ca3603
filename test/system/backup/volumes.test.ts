import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import type { VolumeBackup } from '../../../lib/model/volume-backup.js';
import { UPLOAD_REQUEST } from '../../../lib/rpc/protocol/upload.js';
import { startTestBackup, type TestBackup } from '../../helpers/backup.js';
import { flip, largestPack } from '../../helpers/backup-faults.js';
import { needs } from '../../helpers/needs.js';
import { snapshotsOf } from '../../helpers/restic.js';
import { until } from '../../helpers/wait.js';

const test = needs('restic');

const MB = 2 ** 20;

/** Returns a tar archive of files, by name. */
const archiveOf = (files: Readonly<Record<string, Buffer>>): Promise<Buffer> => {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content);
  pack.finalize();
  return buffer(pack);
};

const newRequest = (more: object = {}) => ({
  ...{ backup: randomUUID(), volume: 'shop-data', consistency: 'still', created: new Date().toISOString() },
  ...more,
});

const url = ({ port }: TestBackup, path: string): string => `http://127.0.0.1:${port}${path}`;

/** Sends the files of a volume. @throws when they are refused, or do not arrive */
const store = async (backup: TestBackup, request: object, bytes: Readable): Promise<VolumeBackup> => {
  const query = new URLSearchParams({ [UPLOAD_REQUEST]: JSON.stringify(request) });
  const response = await fetch(`${url(backup, '/volumes/upload')}?${query}`, {
    ...{ method: 'POST', body: Readable.toWeb(bytes) as ReadableStream, duplex: 'half' },
    headers: { 'Content-Type': 'application/octet-stream' },
  } as RequestInit);
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { backup: VolumeBackup }).backup;
};

const storeAll = (backup: TestBackup, request: object, archive: Buffer): Promise<VolumeBackup> =>
  store(backup, request, Readable.from([archive], { objectMode: false }));

/** Reads a backup as a restore does. @throws when it breaks off */
const read = async (backup: TestBackup, id: string): Promise<Buffer> => {
  const body = JSON.stringify({ backup: id });
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url(backup, '/volumes/download'), { method: 'POST', headers, body });
  if (!response.ok) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
};

const list = async (backup: TestBackup, request: object = {}): Promise<VolumeBackup[]> =>
  (await backup.call('ListVolumes', request)).backups as unknown as VolumeBackup[];

test('what a volume had comes back byte by byte, and equal files of two backups are stored once', async (t) => {
  const backup = await startTestBackup(t);
  // restic cuts files into chunks of 0.5 to 8 MB, where the content decides.
  const big = randomBytes(24 * MB);
  const archive = await archiveOf({ 'a/big': big, 'b/small': Buffer.from('first') });
  const labels = { team: 'shop, front', 'a/b': 'x=y' };
  const first = await storeAll(backup, newRequest({ labels }), archive);
  t.like(first, { volume: 'shop-data', consistency: 'still', labels, size: archive.length });
  t.true((first.stored ?? 0) >= big.length);
  const changed = await archiveOf({ 'a/new': Buffer.from('before the big one'), 'a/big': big });
  const second = await storeAll(backup, newRequest({ consistency: 'changing' }), changed);
  t.true((second.stored ?? 0) < big.length / 2, `${second.stored} bytes for a file that is there already`);
  await storeAll(backup, newRequest({ volume: 'other' }), await archiveOf({ x: Buffer.from('x') }));
  const listed = await list(backup, { volume: 'shop-data' });
  t.deepEqual(new Set(listed.map(({ id }) => id)), new Set([first.id, second.id]));
  t.like(
    listed.find(({ id }) => id === first.id),
    { ...first },
  );
  t.is((await list(backup)).length, 3);
  t.deepEqual((await backup.call('List', {})).backups, [], 'they are no backups of guests');
  t.true((await read(backup, first.id)).equals(archive));
  t.true((await read(backup, second.id)).equals(changed));
  t.true((await backup.call('VerifyVolume', { backup: first.id })).backup.verified?.ok);
  await backup.call('DeleteVolume', { backup: first.id });
  t.is((await list(backup)).length, 2);
  await t.throwsAsync(read(backup, first.id), { message: /not found/ });
});

test('an upload that breaks off leaves no backup, here and on other hosts', async (t) => {
  const backup = await startTestBackup(t);
  await storeAll(backup, newRequest(), await archiveOf({ x: Buffer.from('x') }));
  const archive = await archiveOf({ big: randomBytes(4 * MB) });
  const bytes = new PassThrough();
  const sent = store(backup, newRequest(), bytes);
  bytes.write(archive.subarray(0, 3 * MB));
  await until('restic runs', () => readdirSync(`${backup.dir}/runs`).length === 1);
  bytes.destroy(new Error('the volume is gone'));
  await t.throwsAsync(sent);
  await until('nothing is left to remove', () => readdirSync(`${backup.dir}/runs`).length === 0);
  t.is((await list(backup)).length, 1);
  t.is((await snapshotsOf(backup.dir)).length, 1);
});

test('a damaged backup fails to be verified and restored, and is marked; so does one that was cut short', async (t) => {
  const backup = await startTestBackup(t);
  const archive = await archiveOf({ big: randomBytes(4 * MB) });
  const cut = await storeAll(backup, newRequest(), archive.subarray(0, 2 * MB));
  const whole = await storeAll(backup, newRequest(), archive);
  await t.throwsAsync(backup.call('VerifyVolume', { backup: cut.id }), {
    message: /archive is not complete/,
  });
  await flip(await largestPack(backup.dir));
  await t.throwsAsync(backup.call('VerifyVolume', { backup: whole.id }), { message: /damaged/ });
  await t.throwsAsync(read(backup, whole.id));
  for (const { problem, verified } of await list(backup)) {
    t.regex(problem ?? '', /damaged/);
    t.false(verified?.ok);
  }
});
