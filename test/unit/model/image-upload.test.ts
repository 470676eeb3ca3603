import test from 'ava';
import { pieceOf } from '../../../lib/model/image-upload.js';

test('a body without a range is the whole file', (t) => {
  t.deepEqual(pieceOf(undefined, 12), { offset: 0, size: 12 });
});

test('a range says where a piece begins, and how long the file is', (t) => {
  t.deepEqual(pieceOf('bytes 4-9/20', 6), { offset: 4, size: 20 });
  t.deepEqual(pieceOf('bytes */20', 0), { offset: 20, size: 20 });
});

for (const [range, length, problem] of [
  ['bytes 0-9/20', undefined, /send Content-Length/],
  ['bytes 0-9/*', 10, /must be "bytes FIRST-LAST\/SIZE"/],
  ['items 0-9/20', 10, /must be "bytes FIRST-LAST\/SIZE"/],
  ['bytes 0-9/20', 9, /does not fit a body of 9 bytes/],
  ['bytes 9-0/20', 10, /does not fit/],
  ['bytes 15-24/20', 10, /does not fit/],
  ['bytes */20', 1, /does not fit/],
  ['bytes 0-9/99999999999999999999', 10, /does not fit/],
] as const)
  test(`a body of ${length} bytes is not ${range}`, (t) => {
    t.regex(String(pieceOf(range, length)), problem);
  });
