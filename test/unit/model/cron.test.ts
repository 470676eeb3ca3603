import test from 'ava';
import { cronProblem, isTimezone, latestDue, nextDue } from '../../../lib/model/cron.js';

/** Returns the next times after a moment. */
const timesAfter = (cron: string, timezone: string, from: string, count: number): string[] => {
  const times: string[] = [];
  for (let at = Date.parse(from); times.length < count; ) {
    at = nextDue({ cron, timezone }, at) ?? Number.NaN;
    times.push(new Date(at).toISOString().slice(0, 16));
  }
  return times;
};

test('a daily time that the change to summer time leaves out comes at the end of the gap', (t) => {
  const times = timesAfter('30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', 3);
  t.deepEqual(times, ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']);
});

test('a daily time that the change to winter time repeats comes once', (t) => {
  const times = timesAfter('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2);
  t.deepEqual(times, ['2026-10-25T00:30', '2026-10-26T01:30']);
});

test('an hourly time comes every hour, whatever the clock on the wall does', (t) => {
  const winter = timesAfter('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 4);
  t.deepEqual(winter, ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00', '2026-10-25T03:00']);
  const summer = timesAfter('0 * * * *', 'Europe/Berlin', '2026-03-28T23:30:00Z', 3);
  t.deepEqual(summer, ['2026-03-29T00:00', '2026-03-29T01:00', '2026-03-29T02:00']);
});

test('a time is that of its time zone, also of one that is half an hour off', (t) => {
  t.deepEqual(timesAfter('0 2 * * *', 'Asia/Kolkata', '2026-01-01T00:00:00Z', 1), ['2026-01-01T20:30']);
});

test('of several times that have passed, the latest is due', (t) => {
  const spec = { cron: '0 2 * * *', timezone: 'UTC' };
  const at = (time: string): number => Date.parse(time);
  t.is(latestDue(spec, at('2026-01-01T02:00:00Z'), at('2026-01-05T12:00:00Z')), at('2026-01-05T02:00:00Z'));
  t.is(latestDue(spec, at('2026-01-01T02:00:00Z'), at('2026-01-02T02:00:00Z')), at('2026-01-02T02:00:00Z'));
  t.is(latestDue(spec, at('2026-01-01T02:00:00Z'), at('2026-01-02T01:59:59Z')), undefined);
});

for (const [cron, problem] of [
  ['hello', /^give five fields \(minute/],
  ['0 0 2 * * *', /^give five fields/],
  ['2027-01-01T00:00:00', /^give five fields/],
  ['@reboot', /@reboot is not supported/],
  ['61 2 * * *', /Invalid value for minute: 61/],
  ['0 0 30 2 *', /^it never fires/],
] as const)
  test(`says what is wrong with "${cron}"`, (t) => {
    t.regex(cronProblem({ cron, timezone: 'UTC' }) ?? '', problem);
  });

for (const cron of ['30 2 * * *', '*/15 8-18 * * MON-FRI', '0 2 L * *', '@daily', '0 0 29 2 *'])
  test(`accepts "${cron}"`, (t) => {
    t.is(cronProblem({ cron, timezone: 'Europe/Berlin' }), undefined);
  });

test('knows the time zones of the IANA database', (t) => {
  t.true(isTimezone('America/St_Johns'));
  t.false(isTimezone('Europe/Atlantis'));
});
