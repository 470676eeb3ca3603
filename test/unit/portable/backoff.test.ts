import test from 'ava';
import { Backoff } from '../../../lib/portable/backoff.js';

test('doubles the delay up to the limit, and starts over after a reset', (t) => {
  const backoff = new Backoff(100, 350);
  t.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next()], [100, 200, 350, 350]);
  backoff.reset();
  t.is(backoff.next(), 100);
});
