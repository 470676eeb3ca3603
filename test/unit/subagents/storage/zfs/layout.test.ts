import test from 'ava';
import {
  diskIndexOf,
  guestOf,
  imageDataset,
  imageIdOf,
  type Layout,
  mountpointOf,
  snapshotOf,
} from '../../../../../lib/subagents/storage/zfs/layout.js';

const section = (name: string) => ({ dataset: `tank/${name}`, mountpoint: `/mnt/${name}` });
const layout: Layout = {
  root: 'tank',
  images: section('images'),
  guests: section('guests'),
  work: section('tmp'),
};

test("an image id with separators becomes one part of a dataset's name, and is read back from it", (t) => {
  for (const id of ['library/debian:12@v1.0', 'a:2fb', 'A_b-c.d', '::']) {
    const dataset = imageDataset(layout, id);
    t.regex(dataset, /^tank\/images\/[a-zA-Z0-9_.:-]+$/);
    t.is(imageIdOf(layout, dataset), id);
  }
  t.is(imageDataset(layout, 'debian/12:1'), 'tank/images/debian:2f12:3a1');
});

test('names that ZFS would not take are refused', (t) => {
  t.throws(() => imageDataset(layout, 'a/'.repeat(100)), {
    message: /^image id a.*: \d+ characters too long/,
  });
  t.throws(() => snapshotOf('tank/guests/x/disk-0', 'y'.repeat(240)), {
    message: /^snapshot name y+: 6 char/,
  });
});

test('the guest and the disk are told by the name of a dataset', (t) => {
  t.is(guestOf(layout, 'tank/guests/g/disk-12'), 'g');
  t.is(guestOf(layout, 'tank/images/g'), undefined);
  t.is(diskIndexOf('tank/guests/g/disk-12'), 12);
  t.is(diskIndexOf('tank/guests/g'), undefined);
});

test('datasets are mounted below where their section is', (t) => {
  t.is(mountpointOf(layout, 'tank/guests/g/disk-0'), '/mnt/guests/g/disk-0');
  t.throws(() => mountpointOf(layout, 'tank/other'), { instanceOf: RangeError });
});
