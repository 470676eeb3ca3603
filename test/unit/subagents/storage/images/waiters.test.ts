import { once } from 'node:events';
import test from 'ava';
import { Waiters } from '../../../../../lib/subagents/storage/images/waiters.js';

const GRACE_MS = 20;

/** Resolves when a piece of work without callers has been abandoned. */
const gracePeriod = async (): Promise<void> => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter(AbortSignal.abort());
  await once(waiters.abandoned, 'abort');
};

test('cancels the work a while after the last caller has left', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const [first, second] = [new AbortController(), new AbortController()];
  waiters.enter(first.signal);
  waiters.enter(second.signal);
  first.abort();
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
  second.abort();
  await once(waiters.abandoned, 'abort');
  t.regex(String(waiters.abandoned.reason), /no caller has waited for it/);
});

test('continues for a caller that arrives within the grace period', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  waiters.enter(AbortSignal.abort());
  waiters.enter(new AbortController().signal);
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
});

test('cancels nothing once the work is done', async (t) => {
  const waiters = new Waiters(GRACE_MS);
  const waiter = new AbortController();
  waiters.enter(waiter.signal);
  waiters.end();
  waiter.abort();
  await gracePeriod();
  t.false(waiters.abandoned.aborted);
});
