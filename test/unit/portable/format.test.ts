import test from 'ava';
import { NO_TIME } from '../../../lib/model/job.js';
import {
  formatAge,
  formatBytes,
  formatJson,
  formatMb,
  formatSeconds,
  formatValue,
  shortId,
  visible,
} from '../../../lib/portable/format.js';

test('sizes have the unit that fits them', (t) => {
  t.deepEqual([0, 512, 1024, 1536, 10_240, 2 ** 20].map(formatMb), [
    '0 MB',
    '512 MB',
    '1 GB',
    '1.5 GB',
    '10 GB',
    '1 TB',
  ]);
  t.deepEqual([0, 1023, 2048, 5 * 2 ** 30].map(formatBytes), ['0 B', '1023 B', '2 KB', '5 GB']);
  t.is(formatMb(undefined), '');
});

test('so do lengths of time', (t) => {
  t.deepEqual([0.25, 59, 60, 3599, 3600, 90_000].map(formatSeconds), [
    '0.3 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '1 d',
  ]);
});

test('an age is that of a time that has come', (t) => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  t.is(formatAge('2026-01-01T00:00:30Z', now), '30 s ago');
  t.is(formatAge('2026-01-01T00:02:00Z', now), '0 s ago', 'a clock may be behind');
  t.is(formatAge(NO_TIME, now), '');
});

test('a UUID is told by its beginning; what is none stays', (t) => {
  t.is(shortId('6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80'), '6a7e3c52');
  t.is(shortId('agent'), 'agent');
});

test('what is in arrays and hashes has a line each, without what is empty', (t) => {
  t.is(formatValue([{ a: 1, b: '', c: [] }, { a: 2 }]), 'a=1\na=2');
  t.is(formatValue({ vda: { read: 1, written: 2 }, x: 'y' }), 'vda: read=1 written=2\nx=y');
  t.is(formatValue(null), '');
  t.is(formatValue(5), '5');
});

test('sizes within them have their unit', (t) => {
  t.is(formatValue([{ device: 'vda', size: 48 }]), 'device=vda size=48 MB');
  t.is(formatValue(2048, 'memory'), '2 GB');
});

test('control characters and line ends of what others wrote are shown as escapes', (t) => {
  t.is(visible('\u001b[2J\u0007 a\u007f\u009b1m\r\n\tä'), '\\x1b[2J\\x07 a\\x7f\\x9b1m\\r\\n\\tä');
  t.is(formatValue({ a: 'x\ny', '\u001b': ['\u009b'] }), 'a=x\\ny\n\\x1b: 0=\\x9b');
  t.is(formatValue('x\ny'), 'x\\ny');
});

test('JSON has all control characters as escapes, and says the same', (t) => {
  const value = { name: '\u001b\u007f\u0080\u009b\u009f\u00a0ä\n' };
  t.is(formatJson(value), '{"name":"\\u001b\\u007f\\u0080\\u009b\\u009f\u00a0ä\\n"}');
  t.is(formatJson([1], 2), '[\n  1\n]');
  t.deepEqual(JSON.parse(formatJson(value)), value);
});
