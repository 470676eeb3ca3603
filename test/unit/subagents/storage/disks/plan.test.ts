import test from 'ava';
import type { Disk } from '../../../../../lib/model/guest.js';
import { firstDifference, planDisks } from '../../../../../lib/subagents/storage/disks/plan.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';

const disk = (fields: Partial<Disk>): Disk => ({
  bus: '',
  device: '',
  size: 0,
  volume: '',
  image: '',
  source: '',
  ...fields,
});

const plan = (...disks: Partial<Disk>[]) => planDisks({ id: GUEST_ID, disks: disks.map(disk) });

test('defaults to the virtio bus and the device name vda', (t) => {
  t.deepEqual(plan({ size: 10 }), [{ bus: 'virtio', device: 'vda', image: '', requested: 10 }]);
});

test('plans one disk from the image of a guest without disks', (t) => {
  const disks = planDisks({ id: GUEST_ID, image: 'debian-12' });
  t.deepEqual(disks, [{ bus: 'virtio', device: 'vda', image: 'debian-12', requested: 0 }]);
});

const planWithImage = (...disks: Partial<Disk>[]) =>
  planDisks({ id: GUEST_ID, image: 'debian-12', disks: disks.map(disk) }).map(({ image, requested }) => [
    image,
    requested,
  ]);

test('clones the image beside the disks for the first of them', (t) => {
  t.deepEqual(planWithImage({ size: 20 }, { size: 5 }), [
    ['debian-12', 20],
    ['', 5],
  ]);
  t.deepEqual(planWithImage({}), [['debian-12', 0]]);
  t.deepEqual(planWithImage({ size: 20 }, { image: 'data' }), [
    ['debian-12', 20],
    ['data', 0],
  ]);
});

test('leaves the disks as they are when one of them names the image', (t) => {
  t.deepEqual(planWithImage({ image: 'debian-12' }), [['debian-12', 0]]);
  t.deepEqual(planWithImage({ size: 5 }, { image: 'debian-12' }), [
    ['', 5],
    ['debian-12', 0],
  ]);
});

test('rejects an image that no disk would clone', (t) => {
  t.throws(() => planWithImage({ image: 'other' }, { size: 5 }), {
    message:
      'image debian-12 would not be used, because disk 0 clones other: leave "image" out, or give a disk that image',
  });
});

test('plans no disks for a guest with neither image nor disks', (t) => {
  t.deepEqual(planDisks({ id: GUEST_ID }), []);
});

test('gives each disk the name that Linux gives it, or none where that is not certain', (t) => {
  const names = (...disks: Partial<Disk>[]) => plan(...disks).map(({ device }) => device);
  t.deepEqual(names({ size: 1 }, { size: 1, bus: 'ide' }, { size: 1 }), ['vda', 'sda', 'vdb']);
  t.deepEqual(names({ size: 1, bus: 'scsi' }, { size: 1, bus: 'ide' }), ['', '']);
  t.throws(() => plan({ size: 1 }, { size: 1, device: 'vda', bus: 'scsi' }), {
    message: /^disk 1: the guest calls this disk sda, not vda/,
  });
});

test('rejects a blank disk without a size', (t) => {
  t.throws(() => plan({ size: 1 }, {}), { message: 'disk 1: give it a size in MB or an image' });
});

test('rejects a disk above the size limit', (t) => {
  t.throws(() => plan({ size: 2 ** 27 }), {
    message: /^disk 0: the size must be at most 67108864 MB, got 134217728$/,
  });
});

test('rejects two disks with the same device name', (t) => {
  t.throws(() => plan({ size: 1, device: 'vda' }, { size: 1, device: 'vda' }), {
    message: /also has the device name vda/,
  });
});

const stored = plan({ image: 'a' }, { size: 5 }).map((definition, index) => ({
  ...definition,
  index,
  size: definition.requested || 7,
  volume: '',
  source: '',
}));

test('a repeated request matches by requested or actual size', (t) => {
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 5 })), undefined);
  t.is(firstDifference(stored, plan({ image: 'a', size: 7 }, { size: 5 })), undefined);
});

test('finds the first disk that differs', (t) => {
  t.is(firstDifference(stored, plan({ image: 'b' }, { size: 5 })), 0);
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 6 })), 1);
  t.is(firstDifference(stored, plan({ image: 'a' })), 1);
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 5 }, { size: 5 })), 2);
});
