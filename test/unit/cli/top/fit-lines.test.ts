import test from 'ava';
import { fitLines } from '../../../../lib/cli/top/fit-lines.js';

const lines = ['a', 'b', 'c', 'd'];

test('shows everything that fits, with a row left for the cursor', (t) => {
  t.is(fitLines(['head'], lines, { rows: 6, columns: 80 }), 'head\na\nb\nc\nd');
});

test('shows the first lines and counts the rest', (t) => {
  t.is(fitLines(['head'], lines, { rows: 5, columns: 80 }), 'head\na\nb\n… and 2 more');
  t.is(fitLines(['head'], lines, { rows: 2, columns: 80 }), 'head\n… and 4 more');
});

test('counts the rows of a wrapped line', (t) => {
  const wide = lines.map((line) => line.repeat(12));
  t.is(fitLines(['head'], wide, { rows: 10, columns: 12 }), ['head', ...wide].join('\n'));
  t.is(
    fitLines(['head'], wide, { rows: 9, columns: 11 }),
    ['head', ...wide.slice(0, 3), '… and 1 more'].join('\n'),
  );
  t.is(fitLines(['head'], ['网络网络', 'b'], { rows: 4, columns: 6 }), 'head\n… and 2 more');
});

test('ignores colours in widths', (t) => {
  t.is(fitLines([], ['\u001b[32mabc\u001b[39m'], { rows: 2, columns: 3 }), '\u001b[32mabc\u001b[39m');
});
