import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { type Open, saveBytes } from '../../../lib/cli/save-bytes.js';
import type { Download } from '../../../lib/client/index.js';
import { tempDir } from '../../helpers/temp.js';

const MB = 2 ** 20;
const CONTENT = Buffer.concat([randomBytes(MB), Buffer.alloc(6 * MB), randomBytes(1000)]);
const ETAG = '"one"';

/** A download from a byte on, which breaks off before another one. */
const downloadOf = (from = 0, end = CONTENT.length, etag: string | undefined = ETAG): Download => {
  async function* bytes(): AsyncGenerator<Buffer> {
    for (let at = from; at < end; at += 50_000) yield CONTENT.subarray(at, Math.min(end, at + 50_000));
    if (end < CONTENT.length) throw new Error('the connection broke');
  }
  return { bytes: Readable.from(bytes(), { objectMode: false }), length: CONTENT.length - from, from, etag };
};

test('writes a file with holes in place of zeros', async (t) => {
  const file = join(await tempDir(t), 'disk.raw');
  t.is(await saveBytes(downloadOf(), file, 'download'), CONTENT.length);
  t.true(CONTENT.equals(await readFile(file)));
  t.true((await stat(file)).blocks * 512 < 2 * MB);
});

test('continues a download that breaks off, behind the bytes that are there', async (t) => {
  const dir = await tempDir(t);
  const asked: Parameters<Open>[0][] = [];
  const resume: Open = async (after) => {
    asked.push(after);
    return downloadOf(after?.bytes);
  };
  await saveBytes(downloadOf(0, 70_000), join(dir, 'disk.raw'), 'download', resume);
  t.true(CONTENT.equals(await readFile(join(dir, 'disk.raw'))));
  t.deepEqual(asked, [{ bytes: 70_000, etag: ETAG }]);
  t.deepEqual(await readdir(dir), ['disk.raw']);
});

test('leaves no file when the content has changed, and when a download cannot be continued', async (t) => {
  const dir = await tempDir(t);
  const file = join(dir, 'disk.raw');
  await t.throwsAsync(
    saveBytes(downloadOf(0, 70_000), file, 'download', async () => downloadOf()),
    { message: /its content has changed since: start it again/ },
  );
  const { bytes, length } = downloadOf(0, 70_000);
  await t.throwsAsync(
    saveBytes({ bytes, length }, file, 'download', async () => downloadOf()),
    { message: 'the connection broke' },
  );
  t.deepEqual(await readdir(dir), []);
});
