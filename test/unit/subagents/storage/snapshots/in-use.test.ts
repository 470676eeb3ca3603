import test from 'ava';
import { SnapshotsInUse } from '../../../../../lib/subagents/storage/snapshots/in-use.js';

test('a snapshot is in use until its last reader releases it', (t) => {
  const inUse = new SnapshotsInUse();
  const [first, second] = [inUse.hold('s'), inUse.hold('s')];
  first();
  t.deepEqual(inUse.among(['r', 's']), ['s']);
  second();
  t.deepEqual(inUse.among(['r', 's']), []);
});
