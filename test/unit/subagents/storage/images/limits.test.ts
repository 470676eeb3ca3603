import test from 'ava';
import { checkProportion, checkUnpacked } from '../../../../../lib/subagents/storage/images/limits.js';

const TB = 2 ** 40;

test('rejects a disk of more than 64 TB', (t) => {
  t.throws(() => checkProportion(65 * TB, 65 * TB), { message: /more than/ });
});

test('rejects a disk of more than 1 TB in a file smaller than a thousandth of it', (t) => {
  t.throws(() => checkProportion(2 * TB, 2 ** 20), { message: /more than 1000 times its size/ });
});

test('accepts a small empty disk, and a large disk with content', (t) => {
  t.notThrows(() => checkProportion(TB, 2 ** 18));
  t.notThrows(() => checkProportion(2 * TB, TB));
});

test('rejects a file that unpacks to many GB and more than 1000 times its size', (t) => {
  t.throws(() => checkUnpacked(20 * 2 ** 30, 2 ** 20), {
    message: 'the file unpacks to more than 20479 MB from 1048576 bytes, more than 1000 times its size',
  });
  t.throws(() => checkUnpacked(65 * TB, TB), { message: /more than the 67108864 MB allowed/ });
});

test('accepts a small disk from almost nothing, and a large one from a thousandth of its size', (t) => {
  t.notThrows(() => checkUnpacked(16 * 2 ** 30, 100));
  t.notThrows(() => checkUnpacked(20 * 2 ** 30, 2 ** 30));
});
