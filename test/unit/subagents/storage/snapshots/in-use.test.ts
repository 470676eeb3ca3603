import test from 'ava';
import { SnapshotsInUse } from '../../../../../lib/subagents/storage/snapshots/in-use.js';

test('a snapshot is in use until its last reader releases it', (t) => {
  const inUse = new SnapshotsInUse();
  const [first, second] = [inUse.hold('s'), inUse.hold('s')];
  first();
  t.throws(() => inUse.check(['r', 's']), { message: /^s is being downloaded/ });
  second();
  t.notThrows(() => inUse.check(['r', 's']));
});
