import test from 'ava';
import { programRunOf, reasonOf } from '../../../../lib/subagents/container/state.js';

const EXITED = {
  ...{ Running: false, Paused: false, OOMKilled: false, ExitCode: 0, Status: 'exited' },
  ...{ StartedAt: '2026-11-30T12:00:00.123456789Z', FinishedAt: '2026-11-30T12:00:05.5+00:00' },
};

test('gives a stopped container’s exit code, or the lack of memory, as the reason', (t) => {
  t.is(reasonOf(EXITED), 'exit code 0');
  t.is(reasonOf({ ...EXITED, ExitCode: 137 }), 'exit code 137');
  t.is(reasonOf({ ...EXITED, ExitCode: 137, OOMKilled: true }), 'out of memory');
});

test('gives no reason for a container that runs or has never run', (t) => {
  t.is(reasonOf({ ...EXITED, Running: true, Status: 'running' }), undefined);
  t.is(reasonOf({ ...EXITED, Running: true, Paused: true, Status: 'paused' }), undefined);
  for (const Status of ['created', 'configured']) t.is(reasonOf({ ...EXITED, Status }), undefined);
});

test('describes the latest run of a program', (t) => {
  const [started, ended] = ['2026-11-30T12:00:00.123Z', '2026-11-30T12:00:05.500Z'];
  t.deepEqual(programRunOf(EXITED), { started, ended, exitCode: 0 });
  t.deepEqual(programRunOf({ ...EXITED, ExitCode: 137, OOMKilled: true }, 2), {
    ...{ started, ended, exitCode: 137, outOfMemory: true, restarts: 2 },
  });
  const running = { ...EXITED, Running: true, Status: 'running' };
  t.deepEqual(programRunOf(running), { started });
  t.deepEqual(programRunOf({ ...running, Health: { Status: 'starting' } }), { started, health: 'starting' });
  for (const Status of ['', 'none'])
    t.deepEqual(programRunOf({ ...running, Health: { Status } }), { started });
});

test('describes no run of a program that has never started', (t) => {
  t.is(programRunOf({ ...EXITED, StartedAt: '0001-01-01T00:00:00Z' }), undefined);
  t.is(programRunOf({ ...EXITED, Status: 'created' }), undefined);
});
