import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import picocolors from 'picocolors';
import { colourState, takesColours } from '../../../lib/cli/colours.js';
import { formatPairs, formatTable } from '../../../lib/cli/table.js';

const plain = picocolors.createColors(false);
const coloured = picocolors.createColors(true);

test('a table has columns two spaces apart, numbers to the right, and nothing behind them', (t) => {
  const rows = [
    ['a', '1', 'x'],
    ['bbb', '100', ''],
  ];
  t.is(
    formatTable(['NAME', 'SIZE', 'STATE'], rows, { colours: plain, right: [1] }),
    'NAME  SIZE  STATE\na        1  x\nbbb    100',
  );
});

test('a cell may have lines, and characters that are two columns wide', (t) => {
  const rows = [
    ['网络', 'a\nbc', '1'],
    ['x', '', '20'],
  ];
  t.is(
    formatTable(['NAME', 'DISKS', 'N'], rows, { colours: plain, right: [2] }),
    'NAME  DISKS   N\n网络  a       1\n      bc\nx            20',
  );
});

test('colours do not move the columns', (t) => {
  const table = (colours: typeof plain): string =>
    formatTable(['STATE', 'ID'], [[colourState(colours, 'running'), '1']], { colours });
  t.not(table(coloured), table(plain));
  t.is(stripVTControlCharacters(table(coloured)), table(plain));
});

test('one thing has a line for each key, and more where a value has several', (t) => {
  t.is(
    formatPairs({ id: 'x', memory: 2048, disks: [{ size: 1 }, { size: 2 }] }, plain),
    'id      x\nmemory  2 GB\ndisks   size=1 MB\n        size=2 MB',
  );
});

test('a terminal takes colours, unless it is told otherwise', (t) => {
  t.true(takesColours({ isTTY: true }, { TERM: 'xterm' }));
  t.true(takesColours({ isTTY: true }, { NO_COLOR: '' }));
  t.false(takesColours({ isTTY: true }, { NO_COLOR: '1' }));
  t.false(takesColours({ isTTY: true }, { TERM: 'dumb' }));
  t.false(takesColours({}, {}));
});

test('neither the keys nor the values of a thing bring control characters or lines', (t) => {
  t.is(formatPairs({ '\u001b[2J': 'a\nb', state: '\u009b' }, plain), '\\x1b[2J  a\\nb\nstate    \\x9b');
});
