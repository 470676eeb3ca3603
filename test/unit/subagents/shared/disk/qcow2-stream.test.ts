import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { execa } from 'execa';
import fc from 'fast-check';
import {
  CLUSTER_BYTES,
  clustersOf,
  DataMap,
  scanData,
} from '../../../../../lib/subagents/shared/disk/data-map.js';
import { qcow2Stream } from '../../../../../lib/subagents/shared/disk/qcow2-stream.js';
import { needs } from '../../../../helpers/needs.js';
import { tempDir } from '../../../../helpers/temp.js';

async function* chunksOf(disk: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < disk.length; at += size) yield disk.subarray(at, at + size);
}

/** Makes a disk with some bytes here and there. */
const diskWith = (size: number, places: readonly number[]): Buffer => {
  const disk = Buffer.alloc(size);
  for (const place of places) disk.fill(0x5a, Math.min(size, place), Math.min(size, place + 3000));
  return disk;
};

needs('qemu-img')('makes a sound qcow2 file of any disk, of the size that it says', async (t) => {
  const dir = await tempDir(t);
  const [raw, made] = [join(dir, 'raw'), join(dir, 'made.qcow2')];
  const sectors = fc.integer({ min: 1, max: 5000 });
  await fc.assert(
    fc.asyncProperty(sectors, fc.array(fc.integer({ min: 0, max: 5000 * 512 })), async (count, places) => {
      const disk = diskWith(count * 512, places);
      const { size, bytes } = qcow2Stream(await scanData(chunksOf(disk), disk.length), () => chunksOf(disk));
      await pipeline(bytes, createWriteStream(made));
      await writeFile(raw, disk);
      await execa('qemu-img', ['check', '-q', '-f', 'qcow2', made]);
      await execa('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'qcow2', raw, made]);
      const { stdout } = await execa('stat', ['-c', '%s', made]);
      t.is(Number(stdout), size);
    }),
    { numRuns: 10 },
  );
});

test('a blank disk of many terabytes is a small file', (t) => {
  const { size } = qcow2Stream(new DataMap(16 * 2 ** 40), async function* () {});
  t.true(size < 2 ** 20, `${size}`);
});

test('fails when the disk is shorter than its map', async (t) => {
  const map = new DataMap(3 * CLUSTER_BYTES);
  const { bytes } = qcow2Stream(map, () => chunksOf(Buffer.alloc(CLUSTER_BYTES)));
  await t.throwsAsync(Readable.from(bytes).toArray(), { message: /only 1 of its 3 clusters/ });
});

test('cuts bytes into clusters, however they arrive', async (t) => {
  const disk = diskWith(5 * CLUSTER_BYTES + 100, [70_000]);
  for (const size of [1000, CLUSTER_BYTES, 200_000]) {
    const clusters = (await Readable.from(clustersOf(chunksOf(disk, size))).toArray()) as Buffer[];
    t.deepEqual(
      clusters.map(({ length }) => length),
      [...Array(5).fill(CLUSTER_BYTES), 100],
    );
    t.true(Buffer.concat(clusters).equals(disk));
  }
});
