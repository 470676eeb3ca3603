import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { tempDir } from '../../helpers/temp.js';

test.serial('exports a guest to standard output or a file, and says what is not in it', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { state: 'running', metadata: { name: 'web' } });
  const piped = await mistify(t, url, 'guest', 'export', 'web');
  t.like(piped, { exitCode: 0, stdout: 'the bytes of the disk' });
  t.is(piped.stderr, 'not in the file: the memory of the running guest: the guest boots; its snapshots');
  const file = join(await tempDir(t), 'web.tar.zst');
  t.is((await mistify(t, url, 'guest', 'export', 'web', '-o', file)).stdout, `${file}: 21 B`);
  t.is(await readFile(file, 'utf8'), 'the bytes of the disk');
  const again = await mistify(t, url, 'guest', 'export', 'web', '-o', file);
  t.is(again.exitCode, 2);
  t.regex(again.stderr, /already exists/);
});

test.serial('leaves no file of an export that breaks off', async (t) => {
  const download = (): Readable =>
    Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error('broken');
      })(),
      { objectMode: false },
    );
  const { url, context } = await serveApi(t, { download });
  await addGuest(context, { metadata: { name: 'web' } });
  const dir = await tempDir(t);
  const { exitCode } = await mistify(t, url, 'guest', 'export', 'web', '-o', join(dir, 'web'));
  t.not(exitCode, 0);
  t.deepEqual(await readdir(dir), []);
});

test.serial('imports a file, starts the guest, and waits', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const file = join(await tempDir(t), 'web.tar.zst');
  await writeFile(file, 'a file');
  const args = ['--name', 'web2', '--network', 'br0', '--start', '--wait'];
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'import', file, ...args);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /^import .*web.tar.zst as web2: done in [\d.]+ s$/);
  const [guest] = context.guests.list();
  t.is(guest?.id, stdout);
  t.is(guest?.metadata?.name, 'web2');
  t.is(scripted.requests('Test.start').length, 1);
  const missing = await mistify(t, url, 'guest', 'import', `${file}.none`);
  t.is(missing.exitCode, 2);
  t.regex(missing.stderr, /cannot read the file/);
});

test.serial('says why an agent refuses a file', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web' } });
  const file = join(await tempDir(t), 'web.tar.zst');
  await writeFile(file, Buffer.alloc(3_000_000));
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'import', file, '--name', 'web');
  t.is(exitCode, 6);
  t.regex(stderr, /has the name "web": choose another/);
});
