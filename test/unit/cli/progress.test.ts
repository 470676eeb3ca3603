import test from 'ava';
import { bar, percentOf, progressLine, receivedLine } from '../../../lib/cli/progress.js';

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

test('a download says how much has come of how much', (t) => {
  t.is(receivedLine('download x', 1024 ** 2, 4 * 1024 ** 2), `download x  ${bar(25)}  1 MB of 4 MB, 25%`);
});

test('a download of nobody knows how much says how much has come', (t) => {
  t.is(receivedLine('download x', 1024 ** 2, undefined), 'download x  1 MB');
});
