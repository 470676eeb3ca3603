import test from 'ava';
import { checkProportion, checkUnpacked } from '../../../../../lib/subagents/storage/images/limits.js';

const TB = 2 ** 40;

test('a disk of more than 64 TB is refused', (t) => {
  t.throws(() => checkProportion(65 * TB, 65 * TB), { message: /more than/ });
});

test('a disk of more than 1 TB in a file a thousandth of it is refused', (t) => {
  t.throws(() => checkProportion(2 * TB, 2 ** 20), { message: /out of all proportion/ });
});

test('a small disk may be empty, and a large one that has content is believed', (t) => {
  t.notThrows(() => checkProportion(TB, 2 ** 18));
  t.notThrows(() => checkProportion(2 * TB, TB));
});

test('what unpacks to a thousand times its size and takes room is refused', (t) => {
  t.throws(() => checkUnpacked(20 * 2 ** 30, 2 ** 20), {
    message: 'unpacks to more than 20479 MB from 1048576 bytes: out of all proportion',
  });
  t.throws(() => checkUnpacked(65 * TB, TB), { message: /more than the 67108864 MB that a disk may have/ });
});

test('a small disk may unpack from almost nothing, and a large one from its thousandth', (t) => {
  t.notThrows(() => checkUnpacked(16 * 2 ** 30, 100));
  t.notThrows(() => checkUnpacked(20 * 2 ** 30, 2 ** 30));
});
