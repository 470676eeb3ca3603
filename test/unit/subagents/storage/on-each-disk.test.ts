import test from 'ava';
import { onEachDisk } from '../../../../lib/subagents/storage/on-each-disk.js';
import type { StoredDisk } from '../../../../lib/subagents/storage/stored.js';

const DISKS: StoredDisk[] = [0, 1, 2].map((index) => ({
  index,
  bus: 'virtio',
  device: '',
  image: '',
  requested: 1,
  size: 1,
  volume: '',
  source: '',
}));

/** Deletes a snapshot of each disk, but fails on some. */
const deleteAll = (failing: number[], done: number[] = []): Promise<void> =>
  onEachDisk(DISKS, 'snapshot s1 is deleted', async ({ index }) => {
    if (failing.includes(index)) throw new Error(`no luck with ${index}`);
    done.push(index);
  });

test('continues after a disk that fails, and names the disks on both sides', async (t) => {
  const done: number[] = [];
  await t.throwsAsync(deleteAll([1], done), {
    message:
      'snapshot s1 is deleted on disk 0, disk 2 only: repeat it to complete it: disk 1: no luck with 1',
  });
  t.deepEqual(done, [0, 2]);
});

test('passes on the first error when nothing was done', async (t) => {
  await t.throwsAsync(deleteAll([0, 1, 2]), { message: 'no luck with 0' });
  await t.notThrowsAsync(deleteAll([]));
});
