import test from 'ava';
import { escapeControls, formatJson, formatValue } from '../../../lib/cli/printable.js';

test('formats arrays and objects with a line per item, without empty values', (t) => {
  t.is(formatValue([{ a: 1, b: '', c: [] }, { a: 2 }]), 'a=1\na=2');
  t.is(formatValue({ vda: { read: 1, written: 2 }, x: 'y' }), 'vda: read=1 written=2\nx=y');
  t.is(formatValue(null), '');
  t.is(formatValue(5), '5');
});

test('formats nested sizes with a unit', (t) => {
  t.is(formatValue([{ device: 'vda', size: 48 }]), 'device=vda size=48 MB');
  t.is(formatValue(2048, 'memory'), '2 GB');
  t.is(formatValue(16, 'used'), '16 MB');
});

test('escapes control characters and line ends', (t) => {
  t.is(escapeControls('\u001b[2J\u0007 a\u007f\u009b1m\r\n\tä'), '\\x1b[2J\\x07 a\\x7f\\x9b1m\\r\\n\\tä');
  t.is(formatValue({ a: 'x\ny', '\u001b': ['\u009b'] }), 'a=x\\ny\n\\x1b: 0=\\x9b');
  t.is(formatValue('x\ny'), 'x\\ny');
});

test('escapes every control character in JSON without changing its value', (t) => {
  const value = { name: '\u001b\u007f\u0080\u009b\u009f\u00a0ä\n' };
  t.is(formatJson(value), '{"name":"\\u001b\\u007f\\u0080\\u009b\\u009f\u00a0ä\\n"}');
  t.is(formatJson([1], 2), '[\n  1\n]');
  t.deepEqual(JSON.parse(formatJson(value)), value);
});
