import test from 'ava';
import { reasonOf } from '../../../../lib/subagents/container/state.js';

const EXITED = { Running: false, Paused: false, OOMKilled: false, ExitCode: 0, Status: 'exited' };

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
