import type { Keep, ScheduleAction, ScheduleGuests, ScheduleStatus } from '../../model/schedule.js';
import { formatAge } from '../../portable/format.js';
import { store } from './store.js';
import { count } from './words.js';

export const ACTION_WORDS: Record<ScheduleAction, string> = {
  snapshot: 'Snapshots',
  backup: 'Backups',
  verify: 'Verification of backups',
};

export const guestsText = ({ ids = [], tags = [], all }: ScheduleGuests): string => {
  if (all) return 'all guests';
  const named = ids.length > 2 ? [count(ids.length, 'guest')] : ids.map((id) => store.nameOf(id));
  return [...named, ...tags.map((tag) => `tag ${tag}`)].join(', ');
};

export const keepText = (keep: Keep | undefined): string =>
  keep
    ? Object.entries(keep)
        .map(([rule, many]) => `${many} ${rule}`)
        .join(', ')
    : 'everything';

/** Says how a schedule's last run went, and which one did not take place since. */
export const lastText = ({ last, skipped }: ScheduleStatus): string => {
  if (skipped) return `skipped ${formatAge(skipped.due)}: ${skipped.reason}`;
  if (!last) return 'not yet';
  const { success, error, running } = last.guests;
  const counts = [
    running > 0 && `${running} running`,
    success > 0 && `${success} good`,
    error > 0 && `${error} failed`,
  ];
  return `${formatAge(last.due)}: ${counts.filter(Boolean).join(', ')}`;
};
