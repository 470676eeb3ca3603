import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { readOwnImage, readOwnSize } from '../../../lib/subagents/storage/qcow2/read-own.js';
import { needs } from '../../helpers/needs.js';
import { qemuImg } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-img');

const CLUSTER = 64 * 1024;
/** Bytes that compress, no two sectors of which are the same. */
const data = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at >> 9) + seed));
/** Data, a hole, and data again, up to a size that no cluster ends at. */
const DISK = Buffer.concat([data(CLUSTER + 512, 1), Buffer.alloc(2 * CLUSTER), data(CLUSTER, 9)]);

const convert = async (t: ExecutionContext, ...flags: string[]): Promise<string> => {
  const dir = await tempDir(t);
  const [raw, path] = [join(dir, 'disk.raw'), join(dir, 'disk.qcow2')];
  await writeFile(raw, DISK);
  await qemuImg('convert', '-q', ...flags, '-f', 'raw', '-O', 'qcow2', raw, path);
  return path;
};

test('reads parts of an image: data, holes, and what reaches over clusters', async (t) => {
  const path = await convert(t);
  t.is(await readOwnSize(path), DISK.length);
  for (const [position, length] of [
    [0, DISK.length],
    [CLUSTER - 100, 200],
    [CLUSTER, 2 * CLUSTER],
    [2 * CLUSTER, 512],
  ] as const)
    t.true((await readOwnImage(path, position, length))?.equals(DISK.subarray(position, position + length)));
});

test('reads fewer bytes at the end of the disk, and none behind it', async (t) => {
  const path = await convert(t);
  t.true((await readOwnImage(path, DISK.length - 10, CLUSTER))?.equals(DISK.subarray(-10)));
  t.is((await readOwnImage(path, 2 * DISK.length, CLUSTER))?.length, 0);
});

test('leaves to QEMU what is compressed, in another format, or cut off', async (t) => {
  t.is(await readOwnImage(await convert(t, '-c'), 0, 512), undefined);
  t.is(await readOwnSize(await convert(t, '-o', 'compat=0.10')), undefined);
  const path = await convert(t);
  await truncate(path, CLUSTER);
  t.is(await readOwnImage(path, 0, 512), undefined);
});
