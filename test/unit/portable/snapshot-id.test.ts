import test from 'ava';
import { parseSnapshotId } from '../../../lib/portable/snapshot-id.js';

const GUEST = 'guests/6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

test('splits an ID into disk and name', (t) => {
  t.like(parseSnapshotId(`${GUEST}/disk-vda@monday`), { disk: 'vda', name: 'monday' });
});

test('splits an ID without a disk', (t) => {
  t.like(parseSnapshotId(`${GUEST}@monday`), { disk: undefined, name: 'monday' });
});

test('returns nothing for another ID', (t) => {
  t.deepEqual(parseSnapshotId('monday'), {});
});
