import { invalidValue } from './failure.js';

const UNIT_MS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** Parses `12h`, `30d`, `2w` or `1y` into milliseconds. */
export const parseLifetime = (text: string): number => {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hdwy])$/.exec(text) ?? [];
  if (!count) throw invalidValue('give hours, days, weeks or years: 12h, 30d, 2w, 1y');
  return Number(count) * (UNIT_MS[unit] ?? 0);
};
