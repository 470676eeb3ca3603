import test from 'ava';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { shutdownTimeoutMs } from '../../../../lib/subagents/shared/shutdown-timeout.js';

test('reads seconds as milliseconds, and nothing without the argument', (t) => {
  t.is(shutdownTimeoutMs({ timeout: '1.5' }), 1500);
  t.is(shutdownTimeoutMs({ timeout: '3600' }), 3_600_000);
  t.is(shutdownTimeoutMs({}), undefined);
  t.is(shutdownTimeoutMs(), undefined);
});

test('accepts 0 only where a guest may get no time at all', (t) => {
  t.is(shutdownTimeoutMs({ timeout: '0' }, { mayBeZero: true }), 0);
  t.throws(() => shutdownTimeoutMs({ timeout: '0' }), {
    instanceOf: Refusal,
    message: '"timeout" must be 1 to 3600 seconds, got "0"',
  });
});

for (const timeout of ['1e-9', '0.5', '-1', '3601', 'Infinity', 'NaN', 'soon', '', ' '])
  test(`refuses a timeout of "${timeout}"`, (t) => {
    t.throws(() => shutdownTimeoutMs({ timeout }, { mayBeZero: true }), {
      instanceOf: Refusal,
      message: `"timeout" must be 0, or 1 to 3600 seconds, got "${timeout}"`,
    });
  });
