import test from 'ava';
import { Capacity, type CapacityLimits } from '../../../../../lib/subagents/qemu/guests/capacity.js';

const needs = (id: string, memory: number, cpu = 1) => ({ id, memory, cpu });

const host = (limits: CapacityLimits = {}): Capacity => new Capacity(limits, { memory: 1000, processors: 2 });

test('refuses the guest whose memory would need swap, with the sums', (t) => {
  const capacity = host();
  capacity.take(needs('a', 600));
  t.notThrows(() => capacity.check(needs('b', 400)));
  t.throws(() => capacity.check(needs('b', 401)), {
    message: /^guest b needs 401 MB, and the guests that run have 600 MB of 1000 MB: .*--memory-overcommit/,
  });
});

test('counts a guest once, and no longer once it is off', (t) => {
  const capacity = host();
  capacity.take(needs('a', 600));
  capacity.take(needs('a', 700));
  t.notThrows(() => capacity.check(needs('a', 1000)));
  t.throws(() => capacity.check(needs('b', 400)));
  capacity.release('a');
  t.notThrows(() => capacity.check(needs('b', 1000)));
});

test('allows as much more memory as the limit says', (t) => {
  const capacity = host({ memoryOvercommit: 1.5 });
  capacity.take(needs('a', 1000));
  t.notThrows(() => capacity.check(needs('b', 500)));
  t.throws(() => capacity.check(needs('b', 501)), { message: /1000 MB of 1500 MB/ });
});

test('limits vCPUs only when told to', (t) => {
  t.notThrows(() => host().check(needs('a', 1, 288)));
  const capacity = host({ cpuOvercommit: 2 });
  capacity.take(needs('a', 1, 3));
  t.notThrows(() => capacity.check(needs('b', 1, 1)));
  t.throws(() => capacity.check(needs('b', 1, 2)), {
    message: /needs 2 vCPUs, and the guests that run have 3 vCPUs of 4 vCPUs: .*--cpu-overcommit/,
  });
});

test('gives spare memory back for a guest that needs it, the least recently used first', (t) => {
  const capacity = host();
  const given: string[] = [];
  for (const id of ['old', 'new']) capacity.spare(id, 300, () => given.push(id));
  t.notThrows(() => capacity.check(needs('a', 1000)));
  capacity.take(needs('a', 400));
  t.deepEqual(given, []);
  capacity.take(needs('b', 300));
  t.deepEqual(given, ['old']);
  capacity.take(needs('c', 300));
  t.deepEqual(given, ['old', 'new']);
});

test('counts memory that is no longer spare', (t) => {
  const capacity = host();
  capacity.spare('a', 600, () => t.fail());
  capacity.take(needs('a', 600));
  t.throws(() => capacity.check(needs('b', 500)), { message: /600 MB of 1000 MB/ });
});
