import test from 'ava';
import { GuestStates } from '../../../../lib/rpc/server/guest-states.js';

test('each change has a higher revision than the one before, and than those of an earlier process', (t) => {
  const startedAt = Date.now() * 1000;
  const states = new GuestStates();
  const revisions = ['running', 'paused', 'running'].map((state) => states.set('g', state).revision);
  t.true((revisions[0] ?? 0) >= startedAt);
  t.deepEqual(revisions, revisions.toSorted());
  t.is(new Set(revisions).size, 3);
});

test('what is no change has no new revision and is told to nobody', (t) => {
  const states = new GuestStates();
  const first = states.set('g', 'running', 5901);
  states.on('changed', () => t.fail());
  t.is(states.set('g', 'running', 5901), first);
});
