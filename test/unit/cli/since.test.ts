import test from 'ava';
import { parseSince } from '../../../lib/cli/since.js';

const NOW = Date.parse('2026-11-30T12:00:00Z');

test('takes a time, or how long ago it was', (t) => {
  t.is(parseSince('2026-11-29T10:00:00+02:00', NOW), '2026-11-29T08:00:00.000Z');
  t.is(parseSince('90s', NOW), '2026-11-30T11:58:30.000Z');
  t.is(parseSince('10m', NOW), '2026-11-30T11:50:00.000Z');
  t.is(parseSince('2h', NOW), '2026-11-30T10:00:00.000Z');
  t.is(parseSince('3d', NOW), '2026-11-27T12:00:00.000Z');
  for (const wrong of ['', 'yesterday', '10', '5w', '-1h'])
    t.throws(() => parseSince(wrong, NOW), { message: /such as|how long ago/ });
});
