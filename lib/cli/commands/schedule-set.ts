import { type Command, Option } from 'commander';
import type { ScheduleDetails, SchedulePatch, ScheduleSpec } from '../../client/index.js';
import { type Keep, SCHEDULE_ACTIONS, type ScheduleAction } from '../../model/schedule.js';
import { counted } from '../../model/units.js';
import { usageFailure } from '../failure.js';
import { scheduleId } from '../names.js';
import { type OrDefault, orDefault, patchValue } from '../or-default.js';
import type { Output } from '../output.js';
import {
  addGuestsOptions,
  addMissedOption,
  chosenGuests,
  type GuestsOptions,
  type MissedOption,
  parseKeep,
  parseKeepChange,
} from '../schedule-options.js';
import { withSession } from '../session.js';

interface CreateOptions extends GuestsOptions, MissedOption {
  action?: ScheduleAction;
  cron: string;
  timezone?: string;
  keep?: Keep;
  disable?: boolean;
  dryRun?: boolean;
}

interface SetOptions extends GuestsOptions, MissedOption {
  name?: string;
  cron?: string;
  timezone?: OrDefault<string>;
  keep?: OrDefault<NonNullable<SchedulePatch['keep']>>;
  enable?: boolean;
  disable?: boolean;
  dryRun?: boolean;
}

const DRY_RUN = ['--dry-run', 'only check the request, and say what the retention would delete'] as const;
const CRON = [
  '--cron <expression>',
  'minute, hour, day of month, month and day of week; or @hourly, @daily, …',
] as const;

const report = (out: Output, details: ScheduleDetails, done: string): void => {
  if (out.json) {
    out.value(details);
    return;
  }
  const { name, action, next, status } = details;
  const when = next === undefined ? 'disabled' : `next at ${new Date(next).toLocaleString('sv-SE')}`;
  out.line(`schedule ${name}: ${done}; ${when}`);
  const expired = status.flatMap((guest) => guest.expired);
  if (expired.length > 0)
    out.line(
      `its retention deletes ${counted(expired.length, action)} at the next run: ${expired.join(', ')}`,
    );
};

export const addScheduleCreate = (schedule: Command): void => {
  const command = schedule
    .command('create <name>')
    .description('create a schedule')
    .requiredOption(...CRON)
    .option('--timezone <name>', "time zone of the IANA database; by default the host's")
    .option(
      '--keep <rules>',
      'what to keep: last=3,hourly=24,daily=7,weekly=4,monthly=6; everything by default',
      parseKeep,
    )
    .addOption(
      new Option('--action <action>', 'what to do for each guest')
        .choices(SCHEDULE_ACTIONS)
        .default('snapshot'),
    )
    .option('--disable', 'do not run it by itself yet');
  addMissedOption(addGuestsOptions(command))
    .option(...DRY_RUN)
    .action(
      withSession(async ({ client, out }, name: string, options: CreateOptions) => {
        const { action, cron, timezone, keep, missed, disable, dryRun } = options;
        const guests = await chosenGuests(client, options);
        if (!guests) throw usageFailure('no guests: give --guest, --tag or --all');
        const spec: ScheduleSpec = {
          ...{ name, guests, cron },
          ...(action === undefined ? {} : { action }),
          ...(timezone === undefined ? {} : { timezone }),
          ...(keep === undefined ? {} : { keep }),
          ...(missed === undefined ? {} : { missed }),
          ...(disable ? { enabled: false } : {}),
        };
        report(out, await client.schedules.create(spec, { dryRun }), dryRun ? 'would be created' : 'created');
      }),
    );
};

/** The part of a change that needs no agent. */
const patchOf = ({ name, cron, timezone, keep, missed, enable, disable }: SetOptions): SchedulePatch => ({
  ...(name === undefined ? {} : { name }),
  ...(cron === undefined ? {} : { cron }),
  ...(timezone === undefined ? {} : { timezone: patchValue(timezone) }),
  ...(keep === undefined ? {} : { keep: patchValue(keep) }),
  ...(missed === undefined ? {} : { missed }),
  ...(enable ? { enabled: true } : {}),
  ...(disable ? { enabled: false } : {}),
});

export const addScheduleSet = (schedule: Command): void => {
  const command = schedule
    .command('set <schedule>')
    .description('change a schedule; --guest, --tag and --all replace all of its guests')
    .option('--name <name>', 'another name')
    .option(...CRON)
    .option('--timezone <name>', 'time zone of the IANA database', orDefault(String))
    .option(
      '--keep <rules>',
      'change what to keep: daily=14,weekly=default; rules left out stay; default keeps everything',
      orDefault(parseKeepChange),
    )
    .addOption(new Option('--enable', 'run it by itself').conflicts('disable'))
    .option('--disable', 'do not run it by itself any more');
  addMissedOption(addGuestsOptions(command))
    .option(...DRY_RUN)
    .action(
      withSession(async ({ client, out }, text: string, options: SetOptions) => {
        const { dryRun } = options;
        const guests = await chosenGuests(client, options);
        const patch: SchedulePatch = {
          ...patchOf(options),
          ...(guests ? { guests: { ids: null, tags: null, all: null, ...guests } } : {}),
        };
        if (Object.keys(patch).length === 0)
          throw usageFailure(
            'nothing to change: give at least one option',
            'To list them: mistify schedule set --help',
          );
        const changed = await client.schedules.update(await scheduleId(client, text), patch, { dryRun });
        report(out, changed, dryRun ? 'would be changed' : 'changed');
      }),
    );
};
