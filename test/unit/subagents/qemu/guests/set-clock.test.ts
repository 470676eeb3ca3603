import test from 'ava';
import { askToShutDown } from '../../../../../lib/subagents/qemu/guests/ask.js';
import type { Entry } from '../../../../../lib/subagents/qemu/guests/entry.js';
import type { Watch } from '../../../../../lib/subagents/qemu/guests/watch.js';

// In a file of its own, because it sets the clock of its process.

const HOUR_MS = 3_600_000;

test('waits for a shutdown as long as it should when the host’s clock is set back meanwhile', async (t) => {
  const realNow = Date.now;
  t.teardown(() => {
    Date.now = realNow;
  });
  const watch = {
    bootedAt: Date.now(),
    execute: () => Promise.reject(new Error('no registers')),
    exitedWithin: async (ms: number) => {
      Date.now = () => realNow() - HOUR_MS;
      await new Promise((resolve) => setTimeout(resolve, ms));
      return false;
    },
  } as unknown as Watch;
  const entry = { paths: { guestAgent: '/nowhere/qga.sock' } } as unknown as Entry;
  const started = performance.now();
  const { off } = await askToShutDown(entry, watch, {
    timeoutMs: 300,
    isWanted: () => performance.now() - started < 20_000,
    onTold: async () => {},
  });
  t.false(off);
  t.true(performance.now() - started < 20_000);
});
