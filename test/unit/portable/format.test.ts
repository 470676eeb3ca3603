import test from 'ava';
import { NO_TIME } from '../../../lib/model/job.js';
import {
  formatAge,
  formatBytes,
  formatMb,
  formatSeconds,
  shortId,
  shortImageId,
} from '../../../lib/portable/format.js';

test('formats sizes with the largest fitting unit', (t) => {
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

test('formats durations with the largest fitting unit', (t) => {
  t.deepEqual([0.25, 59, 60, 3599, 3600, 90_000].map(formatSeconds), [
    '0.3 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '1 d',
  ]);
});

test('formats the age of a time, and nothing for the zero time', (t) => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  t.is(formatAge('2026-01-01T00:00:30Z', now), '30 s ago');
  t.is(formatAge('2026-01-01T00:02:00Z', now), '0 s ago', 'a time in the future');
  t.is(formatAge(NO_TIME, now), '');
});

test('shortens a UUID and nothing else', (t) => {
  t.is(shortId('6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80'), '6a7e3c52');
  t.is(shortId('agent'), 'agent');
});

test('shortens the ids of images that linked clones build on, and no others', (t) => {
  const linked = 'linked/6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80/disk-0@';
  t.is(shortImageId(`${linked}ke3v1z`), 'linked/6a7e3c52…/disk-0@ke3v1z');
  t.is(shortImageId(`${linked}clean.1722943234.123456789`), 'linked/6a7e3c52…/disk-0@clean.172294323…');
  t.is(shortImageId('debian-12'), 'debian-12');
  const container = `registry.example.org/${'team/'.repeat(5)}service:1.2`;
  t.is(shortImageId(container), container);
});
