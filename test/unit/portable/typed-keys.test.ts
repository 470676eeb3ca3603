import test from 'ava';
import { typedKeys } from '../../../lib/portable/typed-keys.js';

test('types what is new at the end', (t) => {
  t.deepEqual(typedKeys('__', '__ls\n'), ['l', 's', '\n']);
  t.deepEqual(typedKeys('__', '__'), []);
});

test('deletes what is gone, and types what an automatic correction puts there', (t) => {
  t.deepEqual(typedKeys('__ab', '__a'), ['\b']);
  t.deepEqual(typedKeys('__teh', '__the '), ['\b', '\b', 'h', 'e', ' ']);
  t.deepEqual(typedKeys('__', ''), ['\b', '\b']);
});

test('types a character beyond 16 bits as one key', (t) => {
  t.deepEqual(typedKeys('_🙂', '_🙃'), ['\b', '🙃']);
});
