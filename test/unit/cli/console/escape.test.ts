import test from 'ava';
import { EscapeReader } from '../../../../lib/cli/console/escape.js';

/** What becomes of pieces that are typed one after the other: bytes as text, commands in brackets. */
const read = (...pieces: string[]): string => {
  const reader = new EscapeReader();
  const parts = pieces.flatMap((piece) => reader.read(Buffer.from(piece)));
  return parts.map((part) => (typeof part === 'string' ? `[${part}]` : part.toString())).join('');
};

test('what is typed is for the guest', (t) => {
  t.is(read('ls -l\r', '\u0003'), 'ls -l\r\u0003');
});

test('a key after Ctrl-] is for us, also when it comes later', (t) => {
  t.is(read('ab\u001dqcd'), 'ab[leave]cd');
  t.is(read('ab\u001d', 'scd'), 'ab[size]cd');
  t.is(read('\u001d.'), '[leave]');
});

test('Ctrl-] twice is one for the guest', (t) => {
  t.is(read('a\u001d\u001db'), 'a\u001db');
});

test('a key that means nothing shows those that do', (t) => {
  t.is(read('\u001dx'), '[help]');
  t.is(read('\u001d?'), '[help]');
});
