import { invalidValue } from './failure.js';

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `Date.parse` takes nearly every text for a time: `10` for one in 2001. */
const DATE = /^\d{4}-\d\d-\d\d/;

/** Parses a time of RFC 3339, or how long ago it was: `90s`, `10m`, `2h`, `3d`. Returns a time of RFC 3339. */
export const parseSince = (text: string, now = Date.now()): string => {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const written = DATE.test(text) ? Date.parse(text) : Number.NaN;
  const time = count === undefined ? written : now - Number(count) * (UNIT_MS[unit] ?? 0);
  if (Number.isNaN(time))
    throw invalidValue('give a time such as 2026-11-30T12:00:00Z, or how long ago: 10m, 2h, 3d');
  return new Date(time).toISOString();
};
