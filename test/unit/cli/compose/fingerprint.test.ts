import test from 'ava';
import { fingerprint, matches } from '../../../../lib/cli/compose/fingerprint.js';

const SPEC = { image: 'a', container: { env: { A: '1', B: '2' } } };

test('a fingerprint matches its spec, whatever the order of the keys, and no other', (t) => {
  const print = fingerprint(SPEC);
  t.true(matches(print, { container: { env: { B: '2', A: '1' } }, image: 'a' }));
  t.false(matches(print, { ...SPEC, image: 'b' }));
  t.false(matches(undefined, SPEC));
  t.false(matches('x:y', SPEC));
});

test('two fingerprints of one spec differ, so that equal secrets do not show', (t) => {
  t.not(fingerprint(SPEC), fingerprint(SPEC));
});
