import test from 'ava';
import {
  parseAutostart,
  parseAutostartChange,
  parseRestart,
  parseRestartChange,
} from '../../../lib/cli/coming-back-options.js';

test('--autostart takes a policy, an order and a delay', (t) => {
  t.deepEqual(parseAutostart('last'), { policy: 'last' });
  t.deepEqual(parseAutostart('always,order=10,delay=2.5'), { policy: 'always', order: 10, delay: 2.5 });
});

test('--restart takes a policy, a number of retries and a window', (t) => {
  t.deepEqual(parseRestart('never'), { policy: 'never' });
  t.deepEqual(parseRestart('on-failure,retries=3,window=60'), {
    policy: 'on-failure',
    maxRetries: 3,
    window: 60,
  });
});

test('a change can return a setting to its default', (t) => {
  t.deepEqual(parseAutostartChange('last,order=default,delay=3'), { policy: 'last', order: null, delay: 3 });
  t.deepEqual(parseRestartChange('on-failure,retries=default'), { policy: 'on-failure', maxRetries: null });
  t.throws(() => parseAutostart('last,order=default'), { message: /Order: give a number/ });
});

test('rejects a mistake and says what to give', (t) => {
  const mistakes: [() => unknown, RegExp][] = [
    [() => parseAutostart('sometimes'), /Begin with a policy: never, always, last/],
    [() => parseAutostart('last,oder=1'), /"oder" is not a setting: choose from order=, delay=/],
    [() => parseAutostart('last,delay=soon'), /Delay: give a number/],
    [() => parseRestart('sometimes'), /Begin with a policy: never, on-failure, always/],
  ];
  for (const [parse, message] of mistakes) t.throws(parse, { message });
});
