import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { KeptUploads } from '../../helpers/kept-uploads.js';
import { tempDir } from '../../helpers/temp.js';

const PIECE = 8 * 2 ** 20;
/** More than one piece. */
const FILE = Buffer.alloc(PIECE + 1_000_000, 'image');

const withFile = async (t: ExecutionContext) => {
  const uploads = new KeptUploads();
  const api = await serveApi(t, { upload: uploads.receive, methods: uploads.methods });
  const file = join(await tempDir(t), 'debian-12.qcow2');
  await writeFile(file, FILE);
  const upload = (...options: string[]) =>
    mistify(t, api.url, 'image', 'upload', file, 'debian-12', ...options);
  return { ...api, uploads, upload };
};

test.serial('uploads a file in pieces, with its sum, and waits for the image', async (t) => {
  const { uploads, scripted, upload } = await withFile(t);
  const { exitCode, stdout, stderr } = await upload('--format', 'raw', '--wait');
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^upload debian-12: done in [\d.]+ s$/);
  t.true(uploads.bytesOf('debian-12')?.equals(FILE));
  t.deepEqual(uploads.offsets, [0, PIECE]);
  const sha256 = createHash('sha256').update(FILE).digest('hex');
  t.like(scripted.requests('Test.fetchImage')[0], { id: 'debian-12', sha256, format: 'raw', upload: true });
});

test.serial('continues what an earlier upload has sent, or begins again at the first byte', async (t) => {
  const { uploads, upload } = await withFile(t);
  const sent = PIECE + 5000;
  uploads.begin('debian-12', FILE.length, FILE.subarray(0, sent));
  t.is((await upload()).exitCode, 0);
  t.deepEqual(uploads.offsets, [sent]);
  t.true(uploads.bytesOf('debian-12')?.equals(FILE));
  t.is((await upload('--restart')).exitCode, 0);
  t.deepEqual(uploads.offsets, [sent, 0, PIECE]);
});

test.serial('refuses the id of an image before it sends a byte, unless it replaces the image', async (t) => {
  const { uploads, upload, scripted } = await withFile(t);
  uploads.images.push('debian-12');
  const { exitCode, stderr } = await upload();
  t.is(exitCode, 6);
  t.regex(stderr, /image debian-12 exists already\n.*--refresh/);
  t.deepEqual(uploads.offsets, []);
  t.is((await upload('--refresh')).exitCode, 0);
  t.like(scripted.requests('/upload')[0], { refresh: true });
});

test.serial('says that it cannot read a file', async (t) => {
  const { url } = await serveApi(t);
  const { exitCode, stderr } = await mistify(t, url, 'image', 'upload', '/none.qcow2', 'debian-12');
  t.is(exitCode, 2);
  t.regex(stderr, /cannot read the image: .*none\.qcow2/);
});

test.serial('downloads the file of an image, and replaces no other file unless told to', async (t) => {
  const { url } = await serveApi(t);
  const file = join(await tempDir(t), 'debian-12.qcow2');
  await writeFile(file, 'mine');
  const download = (...options: string[]) =>
    mistify(t, url, 'image', 'download', 'debian-12', '-o', file, ...options);
  const refused = await download();
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /already exists/);
  t.is(await readFile(file, 'utf8'), 'mine');
  t.is((await download('--force')).stdout, `${file}: 21 B`);
  t.is(await readFile(file, 'utf8'), 'the bytes of the disk');
  t.is((await mistify(t, url, 'image', 'download', 'debian-12')).stdout, 'the bytes of the disk');
});

test.serial("makes an image of a guest's disk", async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const guest = await addGuest(context, { metadata: { name: 'web' } });
  const options = '--guest web --snapshot clean --disk 0 --wait';
  const { exitCode, stderr } = await mistify(t, url, 'image', 'create', 'web-base', ...options.split(' '));
  t.is(exitCode, 0, stderr);
  const origin = { guest: guest.id, snapshot: 'clean', disk: '0' };
  t.like(scripted.requests('Test.createImage')[0], { id: 'web-base', origin });
});

test.serial('saves a container image as an archive, and replaces no other file unless told to', async (t) => {
  const { url, scripted } = await serveApi(t);
  const file = join(await tempDir(t), 'busybox.tar');
  await writeFile(file, 'mine');
  const save = (...options: string[]) => mistify(t, url, 'image', 'save', 'busybox:1', ...options);
  const refused = await save('-o', file);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /already exists/);
  t.is(await readFile(file, 'utf8'), 'mine');
  t.is((await save('-o', file, '--force')).exitCode, 0);
  t.is(await readFile(file, 'utf8'), 'the bytes of the disk');
  t.is((await save()).stdout, 'the bytes of the disk');
  t.like(scripted.requests('/download')[0], { id: 'busybox:1' });
});
