import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { describeBytes, ProgressReporter } from '../../../../../lib/subagents/shared/download/progress.js';
import { until } from '../../../../helpers/wait.js';

const MB = 2 ** 20;

test('describes bytes in whole MB, with a percentage when the total is known', (t) => {
  t.deepEqual(describeBytes(12.5 * MB, 48 * MB), ['12 of 48 MB, 26%', 26]);
  t.deepEqual(describeBytes(0, 48 * MB), ['0 of 48 MB, 0%', 0]);
  t.deepEqual(describeBytes(48 * MB, 48 * MB), ['48 of 48 MB, 100%', 100]);
  t.deepEqual(describeBytes(100, 100), ['1 of 1 MB, 100%', 100]);
  t.deepEqual(describeBytes(12.5 * MB, undefined), ['12 MB']);
});

test('reports the first message at once, then only the newest after each interval', async (t) => {
  const heard: string[] = [];
  const progress = new ProgressReporter(50);
  progress.listen((message) => heard.push(message));
  for (const message of ['a', 'b', 'c']) progress.set(message);
  t.deepEqual(heard, ['a']);
  await until('the newest message is reported', () => heard.length > 1);
  t.deepEqual(heard, ['a', 'c']);
});

test('repeats the last report to a late listener, and reports nothing after the end', async (t) => {
  const heard: string[] = [];
  const progress = new ProgressReporter(10);
  progress.set('a');
  progress.listen((message) => heard.push(message));
  progress.set('b');
  progress.end();
  await delay(30);
  t.deepEqual(heard, ['a']);
});
