import test from 'ava';
import { Outcomes } from '../../../../lib/subagents/container/health/check.js';

const CHECK = {
  command: ['true'],
  ...{ intervalMs: 1000, timeoutMs: 1000, startPeriodMs: 10_000, retries: 2 },
};

test('a program is unhealthy after some failures in a row, and healthy after one success', (t) => {
  const outcomes = new Outcomes({ ...CHECK, startPeriodMs: 0 }, 0);
  const said = [true, false, true, false, false, false, true].map((passed) => outcomes.add(passed, 1));
  t.deepEqual(said, ['healthy', 'healthy', 'healthy', 'healthy', 'unhealthy', 'unhealthy', 'healthy']);
});

test('failures in the start period do not count, until the first success', (t) => {
  const outcomes = new Outcomes(CHECK, 1000);
  t.is(outcomes.add(false, 2000), 'starting');
  t.is(outcomes.add(false, 10_999), 'starting');
  t.is(outcomes.add(false, 11_000), 'starting');
  t.is(outcomes.add(false, 12_000), 'unhealthy');
  const early = new Outcomes(CHECK, 1000);
  t.deepEqual(
    [early.add(true, 2000), early.add(false, 3000), early.add(false, 4000)],
    [...['healthy', 'healthy', 'unhealthy']],
  );
});
