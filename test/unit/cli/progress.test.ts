import test from 'ava';
import { bar, progressLine, receivedLine } from '../../../lib/cli/progress.js';

test('draws a bar for a percentage', (t) => {
  t.is(bar(0), `[${'-'.repeat(20)}]`);
  t.is(bar(50), `[${'#'.repeat(10)}${'-'.repeat(10)}]`);
  t.is(bar(100), `[${'#'.repeat(20)}]`);
  t.is(bar(400), bar(100));
});

test('formats a job as its title, a bar if the percentage is known, and its message', (t) => {
  t.is(
    progressLine('fetch x', { Status: 'Running', Message: '2 of 8 MB' }, 25),
    `fetch x  ${bar(25)}  2 of 8 MB`,
  );
  t.is(progressLine('fetch x', { Status: 'Queued', Message: '' }), 'fetch x  queued');
  t.is(progressLine('fetch x', { Status: 'Running', Message: '' }), 'fetch x');
});

test('formats a download with its total', (t) => {
  t.is(receivedLine('download x', 1024 ** 2, 4 * 1024 ** 2), `download x  ${bar(25)}  1 MB of 4 MB, 25%`);
});

test('formats a download of unknown length', (t) => {
  t.is(receivedLine('download x', 1024 ** 2, undefined), 'download x  1 MB');
});
