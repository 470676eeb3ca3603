import test from 'ava';
import fc from 'fast-check';
import { KEEP_RULES, type Keep } from '../../../../lib/model/schedule.js';
import { expiredOf } from '../../../../lib/runtime/schedules/retention.js';

const HOUR_MS = 3_600_000;

const madeAt = (...times: string[]) => times.map((time) => ({ name: time, due: `${time}:00.000Z` }));

const keptOf = (times: string[], keep: Keep, timezone = 'UTC'): string[] => {
  const made = madeAt(...times);
  const expired = expiredOf(made, keep, timezone);
  return made.filter((each) => !expired.includes(each)).map(({ name }) => name);
};

/** Every six hours of some days. */
const quarters = (days: number): string[] =>
  Array.from({ length: days * 4 }, (_, index) =>
    new Date(Date.UTC(2026, 0, 1) + index * 6 * HOUR_MS).toISOString().slice(0, 16),
  );

test('keeps everything without rules', (t) => {
  t.deepEqual(expiredOf(madeAt(...quarters(3)), undefined, 'UTC'), []);
});

test('keeps the newest of all', (t) => {
  t.deepEqual(keptOf(quarters(2), { last: 3 }), quarters(2).slice(-3));
});

test('keeps the newest of each day, of the last days that have one', (t) => {
  const times = [...quarters(3), '2026-01-20T05:00'];
  t.deepEqual(keptOf(times, { daily: 3 }), ['2026-01-02T18:00', '2026-01-03T18:00', '2026-01-20T05:00']);
});

test('keeps the newest of each week, from Monday on', (t) => {
  // 2026-01-04 is a Sunday.
  const times = [
    '2026-01-03T02:00',
    '2026-01-04T02:00',
    '2026-01-05T02:00',
    '2026-01-11T02:00',
    '2026-01-12T02:00',
  ];
  t.deepEqual(keptOf(times, { weekly: 3 }), ['2026-01-04T02:00', '2026-01-11T02:00', '2026-01-12T02:00']);
});

test('keeps what any rule keeps', (t) => {
  const times = [
    '2025-11-01T02:00',
    '2025-11-30T02:00',
    '2025-12-31T02:00',
    '2026-01-01T02:00',
    '2026-01-02T02:00',
  ];
  t.deepEqual(keptOf(times, { daily: 2, monthly: 3 }), times.slice(1));
});

test('days are those of the time zone', (t) => {
  const times = ['2026-01-01T22:00', '2026-01-01T23:30', '2026-01-02T12:00'];
  t.deepEqual(keptOf(times, { daily: 2 }, 'UTC'), ['2026-01-01T23:30', '2026-01-02T12:00']);
  t.deepEqual(keptOf(times, { daily: 2 }, 'Europe/Berlin'), ['2026-01-01T22:00', '2026-01-02T12:00']);
});

test('the two hours that a change to winter time makes of one are two', (t) => {
  const times = ['2026-10-25T00:30', '2026-10-25T01:30'];
  t.deepEqual(keptOf(times, { hourly: 2 }, 'Europe/Berlin'), times);
});

test('the newest made is kept even when the clock was set back since', (t) => {
  t.deepEqual(keptOf(['2036-01-01T00:00', '2026-01-01T00:00'], { last: 1 }), ['2026-01-01T00:00']);
  t.deepEqual(keptOf(['2036-01-01T00:00', '2026-01-01T00:00'], { daily: 1 }), ['2026-01-01T00:00']);
});

test('always keeps the newest, and as many as the largest rule where there are enough', (t) => {
  const keeps = fc
    .record(Object.fromEntries(KEEP_RULES.map((rule) => [rule, fc.integer({ min: 1, max: 9 })])), {
      requiredKeys: [],
    })
    .filter((keep) => Object.keys(keep).length > 0);
  const hours = fc.uniqueArray(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(keeps, hours, (keep: Keep, found) => {
      const times = found
        .toSorted((a, b) => a - b)
        .map((hour) => new Date(Date.UTC(2026, 0, 1) + hour * HOUR_MS).toISOString().slice(0, 16));
      const kept = keptOf(times, keep);
      t.is(kept.at(-1), times.at(-1));
      t.true(kept.length >= Math.min(times.length, keep.last ?? 1));
      // Repeating it deletes nothing more.
      t.deepEqual(keptOf(kept, keep), kept);
    }),
  );
});
