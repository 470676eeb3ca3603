import { randomBytes } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { SparseWriter, writeSparse } from '../../../lib/files/sparse-file.js';
import { tempDir } from '../../helpers/temp.js';

const MB = 2 ** 20;

/** Yields bytes in chunks of a length that fits no boundary. */
async function* inChunks(bytes: Buffer, length = 50_001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** A disk of 6 MB and a bit: zeros, data, zeros, data, zeros. */
const disk = (): Buffer => {
  const bytes = Buffer.alloc(6 * MB + 777);
  randomBytes(70_000).copy(bytes, MB + 12_345);
  randomBytes(MB).copy(bytes, 3 * MB);
  return bytes;
};

test('writes all bytes, and holes in place of zeros', async (t) => {
  const path = join(await tempDir(t), 'disk');
  const bytes = disk();
  t.is(await writeSparse(inChunks(bytes), path), bytes.length);
  t.true(bytes.equals(await readFile(path)));
  const { blocks } = await stat(path);
  t.true(blocks * 512 < 2 * MB, `${blocks * 512} bytes`);
});

test('writes an empty file, and one of zeros alone in its full length', async (t) => {
  const path = join(await tempDir(t), 'disk');
  t.is(await writeSparse(inChunks(Buffer.alloc(0)), path), 0);
  t.is(await writeSparse(inChunks(Buffer.alloc(3 * MB + 1)), path), 3 * MB + 1);
  t.is((await stat(path)).size, 3 * MB + 1);
});

test('continues a file where it ends', async (t) => {
  const path = join(await tempDir(t), 'disk');
  const bytes = disk();
  const cut = 3 * MB + 4321;
  await writeSparse(inChunks(bytes.subarray(0, cut)), path);
  const file = await open(path, 'r+');
  const writer = new SparseWriter(file, cut);
  for await (const chunk of inChunks(bytes.subarray(cut), 2 * MB)) await writer.write(chunk);
  t.is(await writer.end(), bytes.length);
  await file.close();
  t.true(bytes.equals(await readFile(path)));
});

test('reports a failed write with a later call', async (t) => {
  const file = await open(join(await tempDir(t), 'disk'), 'w');
  const writer = new SparseWriter(file);
  await file.close();
  await t.throwsAsync(async () => {
    await writer.write(Buffer.alloc(3 * MB, 1));
    await writer.end();
  });
});
