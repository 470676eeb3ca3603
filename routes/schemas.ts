import Joi, { type ObjectSchema, type Schema } from 'joi';
import { EVENT_KINDS } from '../lib/model/event.js';
import {
  guestIdSchema,
  guestSchema,
  imageIdSchema,
  METADATA_MESSAGES,
  metadataSchema,
  type Nic,
} from '../lib/model/guest.js';
import { imageSchema } from '../lib/model/image.js';
import { jobSchema } from '../lib/model/job-schema.js';
import { diskIdSchema, snapshotNameSchema, snapshotSchema } from '../lib/model/snapshot.js';
import { uuid } from '../lib/model/uuid.js';

export const guestParams = Joi.object({ guestID: guestIdSchema.required() });

const jobID = uuid().required().label('job id').description('The UUID of a job');
export const jobParams = Joi.object({ jobID });
export const guestJobParams = guestParams.keys({ jobID });

export const imageParams = Joi.object({ imageID: imageIdSchema.required() });

export const snapshotsParams = guestParams;
export const snapshotParams = guestParams.keys({ name: snapshotNameSchema.required() });
export const diskSnapshotsParams = snapshotsParams.keys({ diskID: diskIdSchema.required() });
export const diskSnapshotParams = snapshotParams.keys({ diskID: diskIdSchema.required() });

/** Chosen keys between commas, as an array. */
const fieldsOf = (known: readonly string[]): Schema =>
  Joi.string()
    .max(1000)
    .custom((text: string, helpers) => {
      const fields = text.split(',').map((field) => field.trim());
      const unknown = fields.filter((field) => !known.includes(field));
      if (unknown.length === 0) return fields;
      const message = `"fields" names ${unknown.join(', ')}, which is not there: choose from ${known.join(', ')}`;
      return helpers.message({ custom: message.replaceAll('{', '(') });
    })
    .description(`The keys of each item that are wanted, between commas: ${known.join(', ')}`)
    .example(known.slice(0, 2).join(','));

const keysOf = (schema: ObjectSchema): string[] => Object.keys(schema.describe().keys);

const listQuery = (item: ObjectSchema): ObjectSchema =>
  Joi.object({
    limit: Joi.number().integer().min(1).max(100_000).description('At most so many').example(20),
    cursor: Joi.string()
      .max(4096)
      .description('Where the page before it ended, from the Link in its headers'),
    fields: fieldsOf(keysOf(item)),
  });

const kindsOf: Joi.CustomValidator<string, string[]> = (text, helpers) => {
  const kinds = text.split(',').map((kind) => kind.trim());
  const known: readonly string[] = EVENT_KINDS;
  if (kinds.every((kind) => known.includes(kind))) return kinds;
  return helpers.message({ custom: `"kind" must be of ${known.join(', ')}` });
};

const MAX_GUESTS = 100;
const guestIdsSchema = Joi.array().items(guestIdSchema).max(MAX_GUESTS);

const guestsOf: Joi.CustomValidator<string, string[]> = (text, helpers) => {
  const { value, error } = guestIdsSchema.validate(text.split(',').map((id) => id.trim()));
  if (!error) return value;
  return helpers.message({ custom: `"guest" must have ids of guests, at most ${MAX_GUESTS} of them` });
};

const guestIds = Joi.string()
  .max(MAX_GUESTS * 40)
  .custom(guestsOf);

export const guestsMetricsQuery = Joi.object({
  guest: guestIds.description('Of these guests alone, between commas'),
});

export const eventsQuery = Joi.object({
  guest: guestIds.description('Events of these guests alone, between commas'),
  kind: Joi.string()
    .max(100)
    .custom(kindsOf)
    .description(`Events of these kinds alone, between commas: ${EVENT_KINDS.join(', ')}`)
    .example('guest,job'),
  after: Joi.number()
    .integer()
    .min(0)
    .description('Begin after the event of this id; 0 for the oldest that is kept'),
  limit: Joi.number().integer().min(1).max(100_000).description('End after so many events'),
});

export const guestsQuery = listQuery(guestSchema);
export const jobsQuery = listQuery(jobSchema);
export const snapshotsQuery = listQuery(snapshotSchema);
export const containerImagesQuery = listQuery(imageSchema);

const dryRun = Joi.boolean().description('Check the request and change nothing');

export const dryRunQuery = Joi.object({ dryRun });

export const jobQuery = Joi.object({
  dryRun,
  wait: Joi.number()
    .min(0)
    .max(3600)
    .description('Seconds to wait for the job, to get what came of it')
    .example(30),
});

export const imagesQuery = listQuery(imageSchema).keys({
  type: Joi.string()
    .allow('')
    .max(64)
    .description('`container` for container images, any other for disk images, absent for both'),
});

export const profileParams = Joi.object({
  profile: Joi.string().max(64).required().description('Which one: `profile` (CPU) or `heap`'),
});
export const profileQuery = Joi.object({
  seconds: Joi.number().positive().max(300).default(30).description('How long to profile'),
});

/** JSON has types: a number in a string is a mistake. */
const strict = { convert: false } as const;

/** Clients choose between the two kinds there are; what a sub-agent calls its guests is its own affair. */
const guestType = Joi.string()
  .valid('kvm', 'container', '')
  .allow(null)
  .description('`kvm` (the default) or `container`');

/** All zeros stand for a card without an address: no hypervisor takes it for one. */
const usableMacs: Joi.CustomValidator<Nic[]> = (nics, helpers) => {
  const index = nics.findIndex(({ mac }) => mac === '00:00:00:00:00:00');
  if (index === -1) return nics;
  const message = `"nics[${index}].mac" is not a card's address: leave it out to have one generated`;
  return helpers.message({ custom: message });
};

const guestNics = guestSchema.extract('nics').custom(usableMacs);

export const guestPayload = guestSchema.keys({ type: guestType, nics: guestNics }).allow(null).prefs(strict);

export const metadataPatchPayload = Joi.object()
  .pattern(Joi.string().max(255), Joi.string().allow('', null))
  .unknown(false)
  .allow(null)
  .messages(METADATA_MESSAGES)
  .label('metadata')
  .description('Keys to set; those set to `null` or `""` are removed')
  .example({ owner: 'ops', note: null })
  .prefs(strict);

export const snapshotCreatePayload = Joi.object({ dest: snapshotNameSchema.allow('', null) })
  .allow(null)
  .label('snapshot')
  .prefs(strict);

export const snapshotRollbackPayload = Joi.object({
  destroyMoreRecent: Joi.boolean().allow(null).description('Destroy newer snapshots, which are in the way'),
})
  .allow(null)
  .label('rollback')
  .prefs(strict);

const count = Joi.number().required();

const countersSchema = (...keys: string[]): ObjectSchema =>
  Joi.object(Object.fromEntries(keys.map((key) => [key, count])));

const diskCounters = countersSchema(
  ...[
    'read_ops',
    'read_bytes',
    'read_time',
    'write_ops',
    'write_bytes',
    'write_time',
    'flush_ops',
    'flush_time',
  ],
).keys({ disk: Joi.string().required() });

const nicCounters = countersSchema(
  ...['rx_bytes', 'rx_packets', 'rx_errors', 'rx_drops', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_drops'],
).keys({ name: Joi.string().required() });

export const errorSchema = Joi.object({
  message: Joi.string().required().description('What is wrong, in words'),
  code: Joi.number().integer().required().description('The HTTP status'),
  stack: Joi.array().items(Joi.string()).required().description('Empty unless the agent logs at debug'),
}).label('error');

const cpuMetrics = Joi.array().items(countersSchema('cpu_time', 'vcpu_time'));
const diskMetrics = Joi.object().pattern(Joi.string(), diskCounters);
const nicMetrics = Joi.object().pattern(Joi.string(), nicCounters);

const guestMetrics = Joi.object({
  guest: guestIdSchema.required(),
  time: Joi.string().isoDate().required().description('When it was counted'),
  cpu: cpuMetrics.description('One per vCPU, in seconds'),
  disk: diskMetrics.description('By device'),
  nic: nicMetrics.description('By name'),
  memory: Joi.number().description("What it takes of the host's memory, in bytes"),
}).label('guest metrics');

/** Of lists, whose items may come with chosen keys alone. */
const listOf = (item: ObjectSchema): Schema =>
  Joi.array().items(item.fork(keysOf(item), (key) => key.optional()));

export const replies = {
  metadata: metadataSchema,
  guest: guestSchema,
  guests: listOf(guestSchema),
  job: jobSchema,
  jobs: listOf(jobSchema),
  image: imageSchema,
  images: listOf(imageSchema),
  fetch: Joi.object({ images: Joi.array().items(imageSchema).required() }),
  nothing: Joi.object({}),
  snapshots: listOf(snapshotSchema),
  cpuMetrics,
  diskMetrics,
  nicMetrics,
  guestsMetrics: Joi.array().items(guestMetrics),
} as const;
