import type { Keep, KeepRule } from '../../model/schedule.js';
import type { MadeByRun } from '../../store/schedule-store.js';

/** The local date and hour of a moment, and its distance from UTC, which tells the hours of a change to winter time apart. */
interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: string;
  offset: string;
}

const localTimes = (timezone: string): ((time: string) => LocalTime) => {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: timezone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', timeZoneName: 'longOffset' },
  });
  return (time) => {
    const parts = new Map(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
    const numberOf = (type: 'year' | 'month' | 'day'): number => Number(parts.get(type));
    return {
      year: numberOf('year'),
      month: numberOf('month'),
      day: numberOf('day'),
      hour: parts.get('hour') ?? '',
      offset: parts.get('timeZoneName') ?? '',
    };
  };
};

const DAYS_PER_WEEK = 7;

/** Names a day by its number since 1970, a Thursday. */
const dayNumber = ({ year, month, day }: LocalTime): number => Date.UTC(year, month - 1, day) / 86_400_000;

/** Names the period that a moment belongs to. */
const PERIODS: Record<Exclude<KeepRule, 'last'>, (time: LocalTime) => string> = {
  hourly: ({ hour, offset, ...day }) => `${dayNumber({ hour, offset, ...day })} ${hour} ${offset}`,
  daily: (time) => String(dayNumber(time)),
  weekly: (time) => String(Math.floor((dayNumber(time) + 3) / DAYS_PER_WEEK)),
  monthly: ({ year, month }) => `${year}-${month}`,
};

/**
 * Returns what no rule keeps. The newest is always kept, and the order is that of its making, not of the clock, which may
 * have jumped.
 * @param made oldest first
 */
export const expiredOf = (
  made: readonly MadeByRun[],
  keep: Keep | undefined,
  timezone: string,
): MadeByRun[] => {
  if (!keep) return [];
  const newestFirst = made.toReversed();
  const kept = new Set(newestFirst.slice(0, Math.max(1, keep.last ?? 0)));
  const localTime = localTimes(timezone);
  for (const rule of Object.keys(PERIODS) as (keyof typeof PERIODS)[]) {
    const seen = new Set<string>();
    for (const each of newestFirst) {
      const period = PERIODS[rule](localTime(each.due));
      if (seen.has(period)) continue;
      if (seen.size >= (keep[rule] ?? 0)) break;
      seen.add(period);
      kept.add(each);
    }
  }
  return made.filter((each) => !kept.has(each));
};
