import { once } from 'node:events';
import test from 'ava';
import { Waiters } from '../../../../../lib/subagents/storage/images/waiters.js';

const GRACE_MS = 20;

/** Resolves when a piece of work without callers has been abandoned. */
const gracePeriod = async (): Promise<void> => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter({ left: AbortSignal.abort() });
  await once(waiters.abandoned, 'abort');
};

test('cancels the work a while after the last caller has left', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const [first, second] = [new AbortController(), new AbortController()];
  waiters.enter({ left: first.signal });
  waiters.enter({ left: second.signal });
  first.abort();
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
  second.abort();
  await once(waiters.abandoned, 'abort');
  t.regex(String(waiters.abandoned.reason), /no caller has waited for it/);
});

test('continues for a caller that arrives within the grace period', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter({ left: AbortSignal.abort() });
  waiters.enter({ left: new AbortController().signal });
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
});

test('cancels nothing once the work is done', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const waiter = new AbortController();
  waiters.enter({ left: waiter.signal });
  waiters.end();
  waiter.abort();
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
});

test('cancels the work at once when the last caller cancels, and not while another waits', (t) => {
  const waiters = new Waiters(60_000);
  const [first, second] = [new AbortController(), new AbortController()];
  for (const { signal } of [first, second])
    waiters.enter({ left: new AbortController().signal, cancelled: signal });
  first.abort();
  t.false(waiters.abandoned.aborted);
  second.abort();
  t.is((waiters.abandoned.reason as Error).message, 'cancelled');
});

test('counts a caller only once when it cancels and then leaves', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const [left, cancelled] = [new AbortController(), new AbortController()];
  waiters.enter({ left: left.signal, cancelled: cancelled.signal });
  waiters.enter();
  cancelled.abort();
  left.abort();
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
});
