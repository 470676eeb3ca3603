import { basename } from 'node:path';
import test from 'ava';
import { imageIdOf, imagePath, layoutOf } from '../../../../../lib/subagents/storage/qcow2/layout.js';

const layout = layoutOf('/store');

test('encodes an image id with separators as one file name, and decodes it', (t) => {
  const id = 'library/debian:12@v1.0';
  const path = imagePath(layout, id);
  t.is(path, '/store/images/library%2Fdebian%3A12%40v1.0.qcow2');
  t.is(imageIdOf(basename(path)), id);
});

test('ignores stray files', (t) => {
  t.is(imageIdOf('notes.txt'), undefined);
  t.is(imageIdOf('%zz.qcow2'), undefined);
});
