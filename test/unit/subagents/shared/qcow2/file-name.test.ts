import test from 'ava';
import { imageFileName } from '../../../../../lib/subagents/shared/qcow2/file-name.js';

test('percent-encodes the separators of an image id', (t) => {
  t.is(imageFileName('library/debian:12@v1.0'), 'library%2Fdebian%3A12%40v1.0.qcow2');
});

test('rejects an id whose file name would be too long', (t) => {
  t.is(imageFileName('a'.repeat(249)).length, 255);
  t.throws(() => imageFileName('a'.repeat(250)), { message: /too long: its file name would have 256/ });
});
