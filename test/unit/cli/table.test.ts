import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import picocolors from 'picocolors';
import { colourState, supportsColours } from '../../../lib/cli/colours.js';
import { formatPairs, formatTable } from '../../../lib/cli/table.js';

const plain = picocolors.createColors(false);
const coloured = picocolors.createColors(true);

test('separates columns by two spaces, aligns numbers right and trims lines', (t) => {
  const rows = [
    ['a', '1', 'x'],
    ['bbb', '100', ''],
  ];
  t.is(
    formatTable(['NAME', 'SIZE', 'STATE'], rows, { colours: plain, right: [1] }),
    'NAME  SIZE  STATE\na        1  x\nbbb    100',
  );
});

test('lays out cells with several lines and wide characters', (t) => {
  const rows = [
    ['网络', 'a\nbc', '1'],
    ['x', '', '20'],
  ];
  t.is(
    formatTable(['NAME', 'DISKS', 'N'], rows, { colours: plain, right: [2] }),
    'NAME  DISKS   N\n网络  a       1\n      bc\nx            20',
  );
});

test('ignores colours in widths', (t) => {
  const table = (colours: typeof plain): string =>
    formatTable(['STATE', 'ID'], [[colourState(colours, 'running'), '1']], { colours });
  t.not(table(coloured), table(plain));
  t.is(stripVTControlCharacters(table(coloured)), table(plain));
});

test('formats an object with a line per key and per array item', (t) => {
  t.is(
    formatPairs({ id: 'x', memory: 2048, disks: [{ size: 1 }, { size: 2 }] }, plain),
    'id      x\nmemory  2 GB\ndisks   size=1 MB\n        size=2 MB',
  );
});

test('uses colours only on a terminal without NO_COLOR', (t) => {
  t.true(supportsColours({ isTTY: true }, { TERM: 'xterm' }));
  t.true(supportsColours({ isTTY: true }, { NO_COLOR: '' }));
  t.false(supportsColours({ isTTY: true }, { NO_COLOR: '1' }));
  t.false(supportsColours({ isTTY: true }, { TERM: 'dumb' }));
  t.false(supportsColours({}, {}));
});

test('escapes control characters in keys and values', (t) => {
  t.is(formatPairs({ '\u001b[2J': 'a\nb', state: '\u009b' }, plain), '\\x1b[2J  a\\nb\nstate    \\x9b');
});
