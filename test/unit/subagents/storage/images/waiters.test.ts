import { once } from 'node:events';
import test from 'ava';
import { Waiters } from '../../../../../lib/subagents/storage/images/waiters.js';

const GRACE_MS = 20;

/** Of one that nobody waits for. */
const abandoned = async (): Promise<void> => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter(AbortSignal.abort());
  await once(waiters.gone, 'abort');
};

test('when the last one has left the work is called off after a while', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const [first, second] = [new AbortController(), new AbortController()];
  waiters.enter(first.signal);
  waiters.enter(second.signal);
  first.abort();
  await abandoned();
  t.false(waiters.gone.aborted);
  second.abort();
  await once(waiters.gone, 'abort');
  t.regex(String(waiters.gone.reason), /nobody has waited for it/);
});

test('it goes on for one who comes meanwhile', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter(AbortSignal.abort());
  waiters.enter(new AbortController().signal);
  await abandoned();
  t.false(waiters.gone.aborted);
});

test('once it is done nothing is called off', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const waiter = new AbortController();
  waiters.enter(waiter.signal);
  waiters.end();
  waiter.abort();
  await abandoned();
  t.false(waiters.gone.aborted);
});
