import { Cron } from 'croner';
import { errorMessage } from '../errors.js';

/** When a schedule is due. */
export interface CronSpec {
  cron: string;
  timezone: string;
}

/** The time zone of the host, by its IANA name. */
export const hostTimezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const isTimezone = (name: string): boolean => {
  try {
    return Boolean(Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
};

/** croner would also take a date, at which it fires once, and fields for seconds and years. */
const HAS_FIVE_FIELDS = /^\s*\S+(\s+\S+){4}\s*$/;
const IS_NICKNAME = /^@\w+$/;

const parse = ({ cron, timezone }: CronSpec): Cron => new Cron(cron, { timezone, paused: true });

/**
 * Says why an expression cannot be used; `undefined` when it can.
 * @param timezone a valid one
 */
export const cronProblem = (spec: CronSpec): string | undefined => {
  if (!HAS_FIVE_FIELDS.test(spec.cron) && !IS_NICKNAME.test(spec.cron))
    return 'give five fields (minute, hour, day of month, month, day of week), such as "30 2 * * *", or @hourly, @daily, @weekly, @monthly or @yearly';
  try {
    return parse(spec).nextRun() ? undefined : 'it never fires: no date matches all of its fields';
  } catch (error) {
    return errorMessage(error).replace(/^CronPattern: /, '');
  }
};

/** Returns the first time after `after`, in milliseconds since 1970; `undefined` when there is none. */
export const nextDue = (spec: CronSpec, after: number): number | undefined =>
  parse(spec).nextRun(new Date(after))?.getTime();

/** Returns the last time that is after `after` and not after `now`; `undefined` when there is none. */
export const latestDue = (spec: CronSpec, after: number, now: number): number | undefined => {
  const next = nextDue(spec, after);
  if (next === undefined || next > now) return undefined;
  // A millisecond later, because croner looks for times before the given one.
  return (
    parse(spec)
      .previousRuns(1, new Date(now + 1))[0]
      ?.getTime() ?? next
  );
};
