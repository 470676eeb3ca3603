import test from 'ava';
import { EscapeReader } from '../../../../lib/cli/console/escape.js';

/** Reads typed pieces and returns bytes as text, commands in brackets. */
const read = (...pieces: string[]): string => {
  const reader = new EscapeReader();
  const parts = pieces.flatMap((piece) => reader.read(Buffer.from(piece)));
  return parts.map((part) => (typeof part === 'string' ? `[${part}]` : part.toString())).join('');
};

test('passes typed bytes to the guest', (t) => {
  t.is(read('ls -l\r', '\u0003'), 'ls -l\r\u0003');
});

test('takes the key after Ctrl-] as a command, even in a later read', (t) => {
  t.is(read('ab\u001dqcd'), 'ab[quit]cd');
  t.is(read('ab\u001d', 'scd'), 'ab[size]cd');
  t.is(read('\u001d.'), '[quit]');
});

test('passes Ctrl-] typed twice as one', (t) => {
  t.is(read('a\u001d\u001db'), 'a\u001db');
});

test('shows help for an unknown key', (t) => {
  t.is(read('\u001dx'), '[help]');
  t.is(read('\u001d?'), '[help]');
});
