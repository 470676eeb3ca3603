import test from 'ava';
import { RunnerRegistry } from '../../../../lib/runtime/jobs/runner-registry.js';

const task = { kind: 'guest', name: 'create' } as const;

test('makes no runner to check whether a job has room', (t) => {
  const runners = new RunnerRegistry();
  runners.requireRoom('g', task, {});
  t.deepEqual(runners.all(), []);
  const { runner } = runners.enter('g', task);
  t.deepEqual(runners.all(), [runner]);
});
