import test from 'ava';
import { GuestStates } from '../../../../lib/rpc/server/guest-states.js';

test('gives each change a higher revision, across restarts too', (t) => {
  const startedAt = Date.now() * 1000;
  const states = new GuestStates();
  const revisions = ['running', 'paused', 'running'].map((state) => states.set('g', state).revision);
  t.true((revisions[0] ?? 0) >= startedAt);
  t.deepEqual(revisions, revisions.toSorted());
  t.is(new Set(revisions).size, 3);
});

test('ignores a state that has not changed', (t) => {
  const states = new GuestStates();
  const first = states.set('g', 'running', 5901);
  states.on('changed', () => t.fail());
  t.is(states.set('g', 'running', 5901), first);
});
