import type { Command } from 'commander';
import type { MistifyClient, Schedule, ScheduleGuest, ScheduleStatus } from '../../client/index.js';
import { enumerate } from '../../model/enumerate.js';
import { counted } from '../../model/units.js';
import { formatAge, shortId } from '../../portable/format.js';
import type { Column } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { idsOf, namesOfGuests, scheduleId } from '../names.js';
import { actOnEach } from '../report-jobs.js';
import { withSession } from '../session.js';
import { addScheduleRun } from './schedule-run.js';
import { addScheduleCreate, addScheduleSet } from './schedule-set.js';

const NOTES = `
Refer to a schedule by its name, its ID or the beginning of its ID. A schedule deletes only what it has made itself.

Examples:
  mistify schedule create nightly --all --cron "30 2 * * *" --keep daily=7,weekly=4
  mistify schedule create hourly --tag production --cron @hourly --keep hourly=24 --timezone Europe/Berlin
  mistify schedule set nightly --keep daily=14 --dry-run
  mistify schedule run nightly --wait`;

const guestsText = ({ guests: { ids = [], tags = [], all } }: Pick<ScheduleStatus, 'guests'>): string =>
  all
    ? 'all'
    : [...(ids.length > 0 ? [counted(ids.length, 'guest')] : []), ...tags.map((tag) => `tag ${tag}`)].join(
        ', ',
      );

/** Formats what a schedule keeps; `-` for one that makes nothing. */
const keepText = ({ action, keep = {} }: Pick<ScheduleStatus, 'action' | 'keep'>): string => {
  if (action === 'verify') return '-';
  const rules = Object.entries(keep).map(([rule, count]) => `${rule}=${count}`);
  return rules.join(',') || 'everything';
};

const localTime = (time: string | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toLocaleString('sv-SE');

const lastText = ({ last }: ScheduleStatus): string | undefined => {
  if (!last) return undefined;
  const { success, error } = last.guests;
  const failed = error > 0 ? `, ${error} failed` : '';
  return `${last.outcome} ${formatAge(last.due)} (${counted(success, 'guest')}${failed})`;
};

const COLUMNS: readonly Column<ScheduleStatus>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'ACTION', value: ({ action }) => action },
  { title: 'GUESTS', value: guestsText },
  { title: 'CRON', value: ({ cron }) => cron },
  { title: 'KEEP', value: keepText },
  { title: 'NEXT', value: ({ next }) => localTime(next) ?? 'disabled' },
  { title: 'LAST', value: lastText },
];

interface NamedGuest extends ScheduleGuest {
  name: string | undefined;
}

const messageOf = ({ run, skipped, selected }: NamedGuest): string | undefined =>
  run?.message ?? (skipped && `skipped: ${skipped.reason}`) ?? (selected ? undefined : 'no longer included');

const GUEST_COLUMNS: readonly Column<NamedGuest>[] = [
  { title: 'GUEST', value: ({ guest, name }) => name ?? shortId(guest) },
  { title: 'OUTCOME', value: ({ run }) => run?.outcome ?? 'none yet', state: true },
  { title: 'LAST', value: ({ run }) => run && formatAge(run.due) },
  { title: 'LAST GOOD', value: ({ good }) => (good === undefined ? 'never' : formatAge(good)) },
  { title: 'KEPT', value: ({ kept }) => String(kept.length), right: true },
  { title: 'EXPIRED', value: ({ expired }) => String(expired.length), right: true },
  { title: 'MESSAGE', value: messageOf },
];

const withNames = async (client: MistifyClient, status: readonly ScheduleGuest[]): Promise<NamedGuest[]> => {
  const names = await namesOfGuests(client);
  return status.map((each) => ({ ...each, name: names.get(each.guest) }));
};

export const addScheduleCommands = (program: Command): void => {
  const schedule = program
    .command('schedule')
    .description('manage what is done by itself at given times, such as snapshots')
    .addHelpText('after', NOTES);

  schedule
    .command('list')
    .description('list the schedules of the host')
    .action(
      withSession(async ({ client, out }) => {
        const { items } = await client.schedules.list();
        await out.list(items, COLUMNS, { empty: 'no schedules' });
      }),
    );

  schedule
    .command('show <schedule>')
    .description('show a schedule, its guests, and what its retention would delete now')
    .action(
      withSession(async ({ client, out }, text: string) => {
        const { status, ...facts } = await client.schedules.get(await scheduleId(client, text));
        if (out.json) return out.value({ ...facts, status });
        await out.one({ ...facts, keep: keepText(facts), guests: guestsText(facts) });
        if (status.length === 0) return;
        out.line('');
        await out.table(await withNames(client, status), GUEST_COLUMNS);
        const expired = status.flatMap((each) => each.expired);
        if (expired.length > 0) out.note(`the next run deletes ${enumerate(expired)}`);
      }),
    );

  addScheduleCreate(schedule);
  addScheduleSet(schedule);

  addScheduleRun(schedule);

  addConfirmOption(
    schedule
      .command('delete <schedule...>')
      .description('delete schedules, but nothing that they have made')
      .option('--dry-run', 'only check the request; change nothing'),
  ).action(
    withSession(async (session, texts: string[], options: ConfirmOptions) => {
      const { client } = session;
      const { dryRun } = options;
      const ids = await idsOf(scheduleId, client, texts);
      await confirm(
        `Delete ${ids.length === 1 ? 'schedule' : 'schedules'} ${enumerate(texts)}? What was made by schedule stays, and is no longer deleted by itself.`,
        options,
      );
      const acts = ids.map((id) => ({
        title: `schedule ${shortId(id)}`,
        run: () => client.schedules.delete(id, { dryRun }),
        lines: ({ name }: Schedule) => [
          `schedule ${name}: ${dryRun ? 'would be deleted; nothing was changed' : 'deleted'}`,
        ],
      }));
      await actOnEach(session, acts);
    }),
  );
};
