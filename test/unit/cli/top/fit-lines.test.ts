import test from 'ava';
import { fitted } from '../../../../lib/cli/top/fit-lines.js';

const lines = ['a', 'b', 'c', 'd'];

test('what there is room for is shown, with a line left for the cursor', (t) => {
  t.is(fitted(['head'], lines, { rows: 6, columns: 80 }), 'head\na\nb\nc\nd');
});

test('where there is no room for all of it, the first of it is shown, and how much there is besides', (t) => {
  t.is(fitted(['head'], lines, { rows: 5, columns: 80 }), 'head\na\nb\n… and 2 more');
  t.is(fitted(['head'], lines, { rows: 2, columns: 80 }), 'head\n… and 4 more');
});

test('a line that is wider than the terminal takes more than one of it', (t) => {
  const wide = lines.map((line) => line.repeat(12));
  t.is(fitted(['head'], wide, { rows: 10, columns: 12 }), ['head', ...wide].join('\n'));
  t.is(
    fitted(['head'], wide, { rows: 9, columns: 11 }),
    ['head', ...wide.slice(0, 3), '… and 1 more'].join('\n'),
  );
  t.is(fitted(['head'], ['网络网络', 'b'], { rows: 4, columns: 6 }), 'head\n… and 2 more');
});

test('colours take no room', (t) => {
  t.is(fitted([], ['\u001b[32mabc\u001b[39m'], { rows: 2, columns: 3 }), '\u001b[32mabc\u001b[39m');
});
