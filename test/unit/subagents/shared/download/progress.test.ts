import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { describeBytes, Progress } from '../../../../../lib/subagents/shared/download/progress.js';
import { until } from '../../../../helpers/wait.js';

const MB = 2 ** 20;

test('bytes are told in whole MB, with a percentage when the total is known', (t) => {
  t.deepEqual(describeBytes(12.5 * MB, 48 * MB), ['12 of 48 MB, 26%', 26]);
  t.deepEqual(describeBytes(0, 48 * MB), ['0 of 48 MB, 0%', 0]);
  t.deepEqual(describeBytes(48 * MB, 48 * MB), ['48 of 48 MB, 100%', 100]);
  t.deepEqual(describeBytes(100, 100), ['1 of 1 MB, 100%', 100]);
  t.deepEqual(describeBytes(12.5 * MB, undefined), ['12 MB']);
});

test('the first message is told at once, the next ones only when the time is up, and only the newest', async (t) => {
  const heard: string[] = [];
  const progress = new Progress(50);
  progress.listen((message) => heard.push(message));
  for (const message of ['a', 'b', 'c']) progress.set(message);
  t.deepEqual(heard, ['a']);
  await until('the newest is told', () => heard.length > 1);
  t.deepEqual(heard, ['a', 'c']);
});

test('who joins late hears the latest, and nobody hears anything after the end', async (t) => {
  const heard: string[] = [];
  const progress = new Progress(10);
  progress.set('a');
  progress.listen((message) => heard.push(message));
  progress.set('b');
  progress.end();
  await delay(30);
  t.deepEqual(heard, ['a']);
});
