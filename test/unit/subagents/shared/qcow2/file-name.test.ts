import test from 'ava';
import { imageFileName, parseImageFileName } from '../../../../../lib/subagents/shared/qcow2/file-name.js';

test('percent-encodes the separators of an image id', (t) => {
  t.is(imageFileName('library/debian:12@v1.0'), 'library%2Fdebian%3A12%40v1.0.qcow2');
});

test('rejects an id whose file name would be too long', (t) => {
  t.is(imageFileName('a'.repeat(249)).length, 255);
  t.throws(() => imageFileName('a'.repeat(250)), { message: /too long: its file name would have 256/ });
});

test('decodes the name of a file, with its version', (t) => {
  for (const id of ['a', 'library/debian:12@v1.0', 'b+2'])
    for (const version of [1, 2, 10])
      t.deepEqual(parseImageFileName(imageFileName(id, version)), { id, version });
  t.is(imageFileName('a/b', 2), 'a%2Fb+2.qcow2');
});

test('ignores stray files', (t) => {
  for (const name of ['notes.txt', '%zz.qcow2', 'a+x.qcow2', 'a+0.qcow2', 'a+1+2.qcow2'])
    t.is(parseImageFileName(name), undefined);
});
