import Joi from 'joi';
import { hostTimezone, isTimezone } from './cron.js';
import { guestIdSchema } from './guest-schemas.js';
import { tagSchema } from './labels.js';
import { patchSchema } from './patch-schema.js';
import {
  KEEP_RULES,
  type Keep,
  type KeepRule,
  MISSED_POLICIES,
  RUN_CAUSES,
  RUN_OUTCOMES,
  SCHEDULE_ACTIONS,
  type Schedule,
  type ScheduleDetails,
  type ScheduleGuest,
  type ScheduleGuests,
  type SchedulePatch,
  type ScheduleSpec,
  type ScheduleStatus,
} from './schedule.js';
import { uuid } from './uuid.js';

const MAX_GUESTS = 1000;
const MAX_TAGS = 32;
const MAX_KEPT = 10_000;

export const scheduleIdSchema = uuid().label('schedule id').description('The UUID of a schedule');

const KEPT: Record<KeepRule, string> = {
  last: 'The newest ones',
  hourly: 'The newest one of each of the last hours that have one',
  daily: 'The newest one of each of the last days that have one',
  weekly: 'The newest one of each of the last weeks, from Monday on, that have one',
  monthly: 'The newest one of each of the last months that have one',
};

const keepSchemas = Object.fromEntries(
  KEEP_RULES.map((rule) => [rule, Joi.number().integer().min(1).max(MAX_KEPT).description(KEPT[rule])]),
);

const guestsSchemas = {
  ids: Joi.array()
    .items(guestIdSchema)
    .max(MAX_GUESTS)
    .unique()
    .messages({ 'array.unique': '{#label} repeats a guest: give each guest once' })
    .description('These guests'),
  tags: Joi.array()
    .items(tagSchema)
    .max(MAX_TAGS)
    .unique()
    .messages({ 'array.unique': '{#label} repeats a tag: give each tag once' })
    .description('All guests with at least one of these tags, also those that get it later'),
  all: Joi.boolean().description('All guests of the host, also those that come later'),
};

const isTimezoneName: Joi.CustomValidator<string> = (name, helpers) =>
  isTimezone(name) ? name : helpers.error('timezone.unknown');

const schemas = {
  name: Joi.string()
    .pattern(/^[a-zA-Z0-9_.-]+$/, 'consist of letters, digits and _ . -')
    .max(64)
    .description('Unique on the host; names of snapshots begin with it')
    .example('nightly'),
  action: Joi.string()
    .valid(...SCHEDULE_ACTIONS)
    .description('What is done for each guest'),
  guests: Joi.object<ScheduleGuests>(guestsSchemas)
    .description('The guests: those of `ids` and those with one of `tags`, or `all`')
    .example({ tags: ['production'] }),
  cron: Joi.string()
    .max(255)
    .description('Minute, hour, day of month, month and day of week, or a nickname such as `@daily`')
    .example('30 2 * * *'),
  timezone: Joi.string()
    .max(64)
    .custom(isTimezoneName)
    .messages({
      'timezone.unknown': '{#label} must be a name of the IANA database such as Europe/Berlin, got {#value}',
    })
    .description('An IANA time zone; by default that of the host')
    .example('Europe/Berlin'),
  keep: Joi.object<Keep>(keepSchemas)
    .min(1)
    .messages({
      'object.min': `{#label} names no rule: give ${KEEP_RULES.join(', ')}, or leave it out to keep everything`,
    })
    .description('What of its results is kept; everything when absent')
    .example({ daily: 7, weekly: 4 }),
  missed: Joi.string()
    .valid(...MISSED_POLICIES)
    .description(
      '`run` (the default) makes up for runs missed while the agent was down, by one; `skip` does not',
    ),
  enabled: Joi.boolean().description('Whether it runs by itself; true by default'),
};

/** The schema of a new schedule. What depends on several keys, or on the host, is checked by `requireValid`. */
export const scheduleSpecSchema = Joi.object<ScheduleSpec>({
  id: scheduleIdSchema.description('A UUID; generated when absent'),
  ...schemas,
  name: schemas.name.required(),
  guests: schemas.guests.required(),
  cron: schemas.cron.required(),
})
  .label('schedule')
  .example({ name: 'nightly', guests: { all: true }, cron: '30 2 * * *', keep: { daily: 7, weekly: 4 } });

const nullable = (keys: Readonly<Record<string, Joi.Schema>>): Record<string, Joi.Schema> =>
  Object.fromEntries(Object.entries(keys).map(([key, schema]) => [key, schema.allow(null)]));

/** What the patch changes, for messages. */
const OF = 'a schedule';

export const schedulePatchSchema = patchSchema<SchedulePatch>(
  {
    name: schemas.name,
    guests: patchSchema(nullable(guestsSchemas), {}, OF),
    cron: schemas.cron,
    timezone: schemas.timezone.allow(null),
    keep: patchSchema(nullable(keepSchemas), {}, OF).allow(null),
    missed: schemas.missed.allow(null),
    enabled: schemas.enabled.allow(null),
  } satisfies Record<keyof SchedulePatch, Joi.Schema>,
  {
    id: 'a schedule keeps its id',
    action: 'what it has made is of one kind: create another schedule',
    next: 'it follows from "cron"',
    last: 'the agent sets it',
    skipped: 'the agent sets it',
    status: 'the agent sets it',
  } satisfies Record<Exclude<keyof ScheduleDetails, keyof SchedulePatch>, string>,
  OF,
)
  .label('schedule patch')
  .description('The keys to change (RFC 7396); `null` returns a key to its default')
  .example({ cron: '0 */6 * * *', keep: { daily: 14 } });

const time = Joi.string().isoDate();

const skippedSchema = Joi.object({ due: time.required(), reason: Joi.string().required() });

const outcome = Joi.string().valid(...RUN_OUTCOMES);

export const scheduleStatusSchema = Joi.object<ScheduleStatus>({
  id: scheduleIdSchema.required(),
  ...schemas,
  next: time.description('When it is due next; absent while it is disabled'),
  last: Joi.object({
    due: time.required(),
    outcome: outcome.required(),
    guests: Joi.object(
      Object.fromEntries(RUN_OUTCOMES.map((each) => [each, Joi.number().required()])),
    ).required(),
  }).description('The last time at which it began'),
  skipped: skippedSchema.description('The last time at which it should have begun and did not'),
}).label('schedule');

const guestStatusSchema = Joi.object<ScheduleGuest>({
  guest: guestIdSchema.required(),
  selected: Joi.boolean().required().description('Whether the next run includes it'),
  run: Joi.object({
    guest: guestIdSchema.required(),
    due: time.required(),
    cause: Joi.string().valid(...RUN_CAUSES),
    outcome: outcome.required(),
    job: uuid(),
    ended: time,
    message: Joi.string(),
  }).description('Its last run'),
  skipped: skippedSchema.description('The last run that did not take place for this guest alone'),
  good: time.description('The time of its last successful run'),
  kept: Joi.array().items(Joi.string()).required().description('What the schedule has made, oldest first'),
  expired: Joi.array().items(Joi.string()).required().description('What retention would delete of it now'),
});

export const scheduleDetailsSchema = scheduleStatusSchema
  .append<ScheduleDetails>({ status: Joi.array().items(guestStatusSchema).required() })
  .label('schedule details');

/** Fills in the defaults of a new schedule. */
export const completeSchedule = (id: string, spec: ScheduleSpec): Schedule => ({
  action: 'snapshot',
  missed: 'run',
  enabled: true,
  timezone: hostTimezone(),
  ...spec,
  id,
});
