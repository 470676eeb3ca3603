import Joi, { type ObjectSchema } from 'joi';
import type { AuditListQuery } from '../../handlers/audit/list.js';
import type { BackupsQuery } from '../../handlers/backups/list.js';
import type { ProfileQuery } from '../../handlers/debug/profile.js';
import type { DiskDownloadQuery } from '../../handlers/disk-download.js';
import type { EventsQuery } from '../../handlers/events/follow.js';
import type { SerialConsoleQuery } from '../../handlers/guests/console/serial.js';
import type { DiskRemovalQuery } from '../../handlers/guests/disks/remove.js';
import type { ExportQuery } from '../../handlers/guests/export.js';
import type { ImportQuery } from '../../handlers/guests/import.js';
import type { GuestsQuery } from '../../handlers/guests/list.js';
import type { HostDownQuery } from '../../handlers/host/down.js';
import type { HistoryQuery } from '../../handlers/host/history.js';
import type { ImagesQuery } from '../../handlers/images/list.js';
import type { UploadQuery } from '../../handlers/images/upload.js';
import type { GuestMetricsQuery } from '../../handlers/metrics/guests.js';
import type { VolumeBackupsQuery } from '../../handlers/volume-backups/list.js';
import { backupSchema } from '../../lib/model/backup.js';
import { bootDeviceSchema } from '../../lib/model/boot-order.js';
import type { CatalogueQuery } from '../../lib/model/catalogue.js';
import { DISK_FORMATS } from '../../lib/model/disk-formats.js';
import type {
  BootQuery,
  CreateQuery,
  DryRunQuery,
  ForceQuery,
  JobQuery,
  PowerQuery,
  UpgradeQuery,
} from '../../lib/model/endpoint.js';
import { EVENT_KINDS } from '../../lib/model/event.js';
import { EXPORT_FORMATS } from '../../lib/model/guest-export.js';
import { guestIdSchema, guestSchema, nicSchema } from '../../lib/model/guest-schemas.js';
import { historyRangeSchema } from '../../lib/model/history-schema.js';
import { shutdownSecondsSchema } from '../../lib/model/host-status.js';
import { imageFetchSchema, imageSchema } from '../../lib/model/image.js';
import { IDENTITIES } from '../../lib/model/imported-guest.js';
import { jobSchema } from '../../lib/model/job-schema.js';
import { guestNameSchema, MAX_TAGS, tagsSchema } from '../../lib/model/labels.js';
import { cpuModelSchema, machineTypeSchema } from '../../lib/model/machine.js';
import { scheduleStatusSchema } from '../../lib/model/schedule-schemas.js';
import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from '../../lib/model/shutdown-timeout.js';
import { snapshotSchema } from '../../lib/model/snapshot.js';
import { volumeNameSchema, volumeSchema } from '../../lib/model/volume.js';
import { volumeBackupSchema } from '../../lib/model/volume-backup.js';
import { scrollbackSchema } from '../../lib/rpc/server/console-route.js';
import { cursor, limit, listQuery, MAX_ITEMS, split } from './list-query.js';

const wait = Joi.number()
  .min(0)
  .max(3600)
  .description('Seconds to wait for the result of the job')
  .example(30);

const toTags: Joi.CustomValidator<string, string[]> = (text, helpers) => {
  const { value, error } = tagsSchema.validate(split(text));
  if (!error) return value;
  return helpers.message({
    custom: `"tag" must contain different tags of letters, digits and _ . : = + @ / -, at most ${MAX_TAGS}`,
  });
};

const MAX_AUDIT_ENTRIES = 1000;
const searched = Joi.string().max(255);

export const auditQuery = Joi.object<AuditListQuery>({
  limit: limit.max(MAX_AUDIT_ENTRIES).default(100),
  cursor,
  guest: searched.description('The id of a guest, or the name that it had').example('web'),
  by: searched.description('The name of a client; `schedule` for schedules').example('ci'),
  action: searched
    .description('The action of a job, or the operation of a request without one')
    .example('start'),
  since: Joi.string().isoDate().description('Leaves out what is older').example('2026-01-31T12:00:00Z'),
  until: Joi.string().isoDate().description('Leaves out what is newer'),
});

export const guestsQuery: ObjectSchema<GuestsQuery> = listQuery(guestSchema).append<GuestsQuery>({
  tag: Joi.string()
    .max(MAX_TAGS * 65)
    .custom(toTags)
    .description('Comma-separated tags: the guests that have at least one of them; all guests when absent')
    .example('production,web'),
});
export const jobsQuery = listQuery(jobSchema);
export const schedulesQuery = listQuery(scheduleStatusSchema);
export const snapshotsQuery = listQuery(snapshotSchema);
export const volumesQuery = listQuery(volumeSchema);
export const containerImagesQuery = listQuery(imageSchema);
export const imagesQuery: ObjectSchema<ImagesQuery> = listQuery(imageSchema).append<ImagesQuery>({
  type: Joi.string()
    .allow('')
    .max(64)
    .description('`container` for container images, any other value for disk images; both when absent'),
});

export const catalogueQuery = Joi.object<CatalogueQuery>({
  search: Joi.string()
    .allow('')
    .max(256)
    .description('Words that the id, another name or the title of an image has; all images when absent')
    .example('debian'),
  arch: Joi.string()
    .max(32)
    .description('The architecture; by default that of the host, `all` for all')
    .example('x86_64'),
  source: Joi.string().max(32).description('The name of a source in the config; all when absent'),
});

export const historyQuery = Joi.object<HistoryQuery>({ range: historyRangeSchema.default('hour') });

export const exportQuery = Joi.object<ExportQuery>({
  format: Joi.string()
    .valid(...EXPORT_FORMATS)
    .description('`mistify`, a file that keeps everything, or `ova`, for other hypervisors')
    .example('mistify'),
});

export const diskDownloadQuery = Joi.object<DiskDownloadQuery>({
  format: Joi.string()
    .valid(...DISK_FORMATS)
    .description(
      '`raw`, all bytes of the disk; `qcow2`, a file of its data alone; `zstd`, all bytes, compressed. By default `raw`; ' +
        'of an image, its file as it is stored',
    )
    .example('qcow2'),
});

export const guestBackupsQuery = listQuery(backupSchema);
export const backupsQuery: ObjectSchema<BackupsQuery> = guestBackupsQuery.append<BackupsQuery>({
  guest: guestIdSchema.description('The guest whose backups to return; all when absent'),
});

export const volumeBackupsQuery: ObjectSchema<VolumeBackupsQuery> = listQuery(
  volumeBackupSchema,
).append<VolumeBackupsQuery>({
  volume: volumeNameSchema.description('The volume whose backups to return; all when absent'),
});

export const importQuery = Joi.object<ImportQuery>({
  wait,
  name: guestNameSchema
    .disallow('', null)
    .description('The name of the guest; by default the one in the file'),
  identity: Joi.string()
    .valid(...IDENTITIES)
    .description('`new`: a new id, and NICs with new addresses; `keep`: those in the file')
    .example('new'),
  network: nicSchema
    .extract('network')
    .disallow('', null)
    .description('The network of all NICs, in place of those in the file')
    .example('br0'),
  start: Joi.boolean().description('Start the guest once it is there'),
});

const toKinds: Joi.CustomValidator<string, string[]> = (text, helpers) => {
  const kinds = split(text);
  const known: readonly string[] = EVENT_KINDS;
  if (kinds.every((kind) => known.includes(kind))) return kinds;
  return helpers.message({ custom: `"kind" must contain only ${known.join(', ')}` });
};

const MAX_GUESTS = 100;
const guestIdsSchema = Joi.array().items(guestIdSchema).max(MAX_GUESTS);

const toGuestIds: Joi.CustomValidator<string, string[]> = (text, helpers) => {
  const { value, error } = guestIdsSchema.validate(split(text));
  if (!error) return value;
  return helpers.message({ custom: `"guest" must contain UUIDs of guests, at most ${MAX_GUESTS}` });
};

const guestIds = Joi.string()
  .max(MAX_GUESTS * 40)
  .custom(toGuestIds);

export const guestsMetricsQuery = Joi.object<GuestMetricsQuery>({
  guest: guestIds.description('Comma-separated guests to return; all when absent'),
});

export const eventsQuery = Joi.object<EventsQuery>({
  guest: guestIds.description('Comma-separated guests whose events to send; all when absent'),
  kind: Joi.string()
    .max(100)
    .custom(toKinds)
    .description(`Comma-separated kinds of events to send: ${EVENT_KINDS.join(', ')}`)
    .example('guest,job'),
  after: Joi.number()
    .integer()
    .min(0)
    .description('Start after the event with this id; 0 starts with the oldest one kept'),
  limit: Joi.number().integer().min(1).max(MAX_ITEMS).description('End the stream after this many events'),
});

const dryRun = Joi.boolean().description('Check the request without changing anything');

export const dryRunQuery = Joi.object<DryRunQuery, true>({ dryRun });

export const jobQuery = Joi.object<JobQuery, true>({
  dryRun,
  wait,
});

export const createQuery = jobQuery.append<CreateQuery>({
  start: Joi.boolean().description('Whether the guest starts once it is there; true when absent'),
});

export const uploadQuery = Joi.object<UploadQuery>({
  wait: jobQuery.extract('wait'),
  sha256: imageFetchSchema.extract('sha256').description('The SHA-256 sum that the file must have'),
  sha512: imageFetchSchema.extract('sha512').description('The SHA-512 sum that the file must have'),
  format: imageFetchSchema.extract('format'),
  refresh: Joi.boolean().description('Replace the image if it exists'),
});

export const powerQuery = jobQuery.append<PowerQuery>({
  timeout: Joi.number()
    .min(MIN_SHUTDOWN_S)
    .max(MAX_SHUTDOWN_S)
    .description('Seconds that the guest gets to shut down; after them the job fails, unless `force` is true')
    .example(120),
  force: Joi.boolean().description(
    'Reset a guest that does not shut down in time, or cut its power; data that it has not written is lost',
  ),
});

export const hostDownQuery = Joi.object<HostDownQuery, true>({
  timeout: shutdownSecondsSchema,
  force: Joi.boolean().description(
    'Cut the power of guests that do not shut down in time; data that they have not written is lost',
  ),
  save: Joi.boolean().description(
    'Save the memory of guests to disk instead of shutting them down; `autostart.hostDown` of a guest comes first',
  ),
  wait: Joi.number().min(0).max(3600).description('Seconds to wait for the end').example(20),
});

export const diskRemovalQuery = jobQuery.append<DiskRemovalQuery>({
  keep: Joi.boolean().description(
    'Keep the data in the store; the message of the job says where. By default it is deleted',
  ),
  force: Joi.boolean().description('Remove even the disk from which a running guest has booted'),
});

export const bootQuery = powerQuery.append<BootQuery>({
  boot: bootDeviceSchema.description(
    'The disk (`disk0`, by its number) or CD drive (`cd0`) to boot from this once',
  ),
});

export const cdromQuery = jobQuery.append<ForceQuery>({
  force: Joi.boolean().description(
    'Open the drive although the guest has locked it; a mounted CD then fails to read',
  ),
});

export const upgradeQuery = jobQuery.append<UpgradeQuery>({
  type: machineTypeSchema.description(
    'The versioned machine type; by default the newest that QEMU has, or with `cpuModel` the one that the guest has',
  ),
  cpuModel: cpuModelSchema.description('The model of the vCPUs; by default the one that the guest has'),
});

export const serialConsoleQuery = Joi.object<SerialConsoleQuery, true>({ scrollback: scrollbackSchema });

/** The default is for `profile` alone, so it is documented but not filled in: `heap` shows the present without it. */
export const profileQuery = Joi.object<ProfileQuery, true>({
  seconds: Joi.number()
    .min(0.001)
    .max(300)
    .default(30)
    .description('Seconds to profile; without it, `heap` shows the live objects at once'),
}).prefs({ noDefaults: true });
