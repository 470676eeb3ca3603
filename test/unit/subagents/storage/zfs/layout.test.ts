import test from 'ava';
import {
  diskIndexOf,
  guestOfDataset,
  imageDataset,
  imageIdOf,
  mountpointOf,
  snapshotOf,
  type ZfsLayout,
} from '../../../../../lib/subagents/storage/zfs/layout.js';

const section = (name: string) => ({ dataset: `tank/${name}`, mountpoint: `/mnt/${name}` });
const layout: ZfsLayout = {
  root: 'tank',
  images: section('images'),
  guests: section('guests'),
  work: section('tmp'),
};

test('encodes an image id with separators as one component of a dataset name, and decodes it', (t) => {
  for (const id of ['library/debian:12@v1.0', 'a:2fb', 'A_b-c.d', '::']) {
    const dataset = imageDataset(layout, id);
    t.regex(dataset, /^tank\/images\/[a-zA-Z0-9_.:-]+$/);
    t.is(imageIdOf(layout, dataset), id);
  }
  t.is(imageDataset(layout, 'debian/12:1'), 'tank/images/debian:2f12:3a1');
});

test('rejects names that are too long for ZFS', (t) => {
  t.throws(() => imageDataset(layout, 'a/'.repeat(100)), {
    message: /^image id a.* is \d+ characters too long/,
  });
  t.throws(() => snapshotOf('tank/guests/x/disk-0', 'y'.repeat(240)), {
    message: /^snapshot name y+ is 6 char/,
  });
});

test('finds the guest and the disk number in the name of a dataset', (t) => {
  t.is(guestOfDataset(layout, 'tank/guests/g/disk-12'), 'g');
  t.is(guestOfDataset(layout, 'tank/images/g'), undefined);
  t.is(diskIndexOf('tank/guests/g/disk-12'), 12);
  t.is(diskIndexOf('tank/guests/g'), undefined);
});

test('mounts datasets below their section', (t) => {
  t.is(mountpointOf(layout, 'tank/guests/g/disk-0'), '/mnt/guests/g/disk-0');
  t.throws(() => mountpointOf(layout, 'tank/other'), { instanceOf: RangeError });
});
