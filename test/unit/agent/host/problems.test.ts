import test from 'ava';
import { problemsOf } from '../../../../lib/agent/host/problems.js';

const HEALTHY = {
  parts: [{ name: 'containers', services: ['container'], up: true }],
  programs: [{ name: 'QEMU', version: '7.2.22', accelerator: 'kvm' as const }],
  memory: { size: 16_384, available: 8192, guests: 4096 },
  guests: { running: 3, shutoff: 1 },
  waiting: [],
};
const ROOM = { sizeBytes: 2 ** 40, freeBytes: 2 ** 39, isReadOnly: false };
const NONE = new Map<string, readonly string[]>();

test('finds nothing wrong with a healthy host', (t) => {
  t.deepEqual(problemsOf(HEALTHY, NONE, ROOM), []);
});

test('says why a part is down, and what its sub-agent retries', (t) => {
  const parts = [{ name: 'containers', services: ['container'], up: false, reason: 'it exited with code 1' }];
  const open = new Map([['container', ['no container engine']]]);
  const messages = problemsOf({ ...HEALTHY, parts }, open, ROOM).map(({ message }) => message);
  t.regex(messages[0] ?? '', /^the sub-agent does not respond: it exited with code 1; /);
  t.is(messages[1], 'no container engine');
});

test('says what to do about missing KVM, little memory, a full disk, and guests that failed', (t) => {
  const poor = {
    ...HEALTHY,
    programs: [{ name: 'QEMU', version: '7.2.22', accelerator: 'tcg' as const }],
    memory: { ...HEALTHY.memory, available: 300 },
    guests: { crashed: 2 },
    waiting: [{ id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10', name: 'web', problem: 'no bridge br0' }],
  };
  const problems = problemsOf(poor, NONE, { ...ROOM, freeBytes: 0 });
  t.deepEqual(
    problems.map(({ part }) => part),
    ['agent', 'virtual machines', 'memory', 'guests', 'guests'],
  );
  t.regex(problems[1]?.message ?? '', /load the kernel module/);
  t.is(problems[2]?.message, 'only 300 of 16384 MB are available: turn guests off, or give them less');
  t.is(problems[3]?.message, '2 guests crashed: their pages and their jobs say why');
  t.is(problems[4]?.message, 'web: no bridge br0');
});
