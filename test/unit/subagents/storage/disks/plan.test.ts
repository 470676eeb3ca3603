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

test('a disk that says nothing else is a virtio one named vda', (t) => {
  t.deepEqual(plan({ size: 10 }), [{ bus: 'virtio', device: 'vda', image: '', requested: 10 }]);
});

test('a guest with an image and no disks has one disk cloned from the image', (t) => {
  const disks = planDisks({ id: GUEST_ID, image: 'debian-12' });
  t.deepEqual(disks, [{ bus: 'virtio', device: 'vda', image: 'debian-12', requested: 0 }]);
});

test('a guest with neither has no disks', (t) => {
  t.deepEqual(planDisks({ id: GUEST_ID }), []);
});

test('free device names avoid those that other disks were given', (t) => {
  const disks = plan(
    { size: 1 },
    { size: 1, device: 'vda' },
    { size: 1, bus: 'scsi' },
    { size: 1, bus: 'ide' },
  );
  t.deepEqual(
    disks.map(({ device }) => device),
    ['vdb', 'vda', 'sda', 'hda'],
  );
});

test('a blank disk without a size is refused', (t) => {
  t.throws(() => plan({ size: 1 }, {}), { message: 'disk 1: give it a size in MB or an image' });
});

test('a disk larger than any there is is refused', (t) => {
  t.throws(() => plan({ size: 2 ** 27 }), { message: /^disk 0: 134217728 MB is more than/ });
});

test('two disks with one device name are refused', (t) => {
  t.throws(() => plan({ size: 1, device: 'vda' }, { size: 1, device: 'vda' }), { message: /vda too/ });
});

const stored = plan({ image: 'a' }, { size: 5 }).map((definition, index) => ({
  ...definition,
  index,
  size: definition.requested || 7,
  volume: '',
  source: '',
}));

test('disks are the same when asked for again, by the size asked for or by the size made', (t) => {
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 5 })), undefined);
  t.is(firstDifference(stored, plan({ image: 'a', size: 7 }, { size: 5 })), undefined);
});

test('the first disk that differs is told', (t) => {
  t.is(firstDifference(stored, plan({ image: 'b' }, { size: 5 })), 0);
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 6 })), 1);
  t.is(firstDifference(stored, plan({ image: 'a' })), 1);
  t.is(firstDifference(stored, plan({ image: 'a' }, { size: 5 }, { size: 5 })), 2);
});
