import test from 'ava';
import { bar, percentOf, progressLine } from '../../../lib/cli/progress.js';

for (const [message, percent] of [
  ['2 of 8 MB, 25%', 25],
  ['99.9 % done', 99],
  ['400%', 100],
  ['booting', undefined],
  ['', undefined],
] as const)
  test(`"${message}" says ${percent ?? 'no'} percent`, (t) => {
    t.is(percentOf({ Message: message }), percent);
  });

test('a bar is as full as the percent say', (t) => {
  t.is(bar(0), `[${'-'.repeat(20)}]`);
  t.is(bar(50), `[${'#'.repeat(10)}${'-'.repeat(10)}]`);
  t.is(bar(100), `[${'#'.repeat(20)}]`);
});

test('a line says what it is, how far, and what the job says', (t) => {
  t.is(
    progressLine('fetch x', { Status: 'Running', Message: '2 of 8 MB, 25%' }),
    `fetch x  ${bar(25)}  2 of 8 MB, 25%`,
  );
  t.is(progressLine('fetch x', { Status: 'Queued', Message: '' }), 'fetch x  waits for its turn');
  t.is(progressLine('fetch x', { Status: 'Running', Message: '' }), 'fetch x');
});
