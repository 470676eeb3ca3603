import Joi, { type ObjectSchema, type Schema } from 'joi';
import { auditRecordSchema } from '../../lib/model/audit.js';
import { backupSchema } from '../../lib/model/backup.js';
import { backupDetailsSchema } from '../../lib/model/backup-details.js';
import { catalogueListingSchema } from '../../lib/model/catalogue.js';
import { diskUseSchema } from '../../lib/model/disk-use.js';
import { execResultSchema } from '../../lib/model/exec.js';
import { fleetHostDetailsSchema, fleetHostSchema } from '../../lib/model/fleet-host.js';
import { guestAddressesSchema } from '../../lib/model/guest-addresses.js';
import { guestAgentInfoSchema } from '../../lib/model/guest-agent.js';
import { guestIdSchema, guestSchema, metadataSchema } from '../../lib/model/guest-schemas.js';
import { historySchema } from '../../lib/model/history-schema.js';
import { hostDetailsSchema } from '../../lib/model/host-details.js';
import { hostNetworksSchema } from '../../lib/model/host-networks.js';
import { hostStatusSchema } from '../../lib/model/host-status.js';
import { imageSchema } from '../../lib/model/image.js';
import { imageUploadSchema } from '../../lib/model/image-upload.js';
import { clockSchema, fileWrittenSchema, trimSchema } from '../../lib/model/in-guest.js';
import { jobSchema } from '../../lib/model/job-schema.js';
import { SCOPES } from '../../lib/model/rights.js';
import { grantSchema } from '../../lib/model/rights-schemas.js';
import { scheduleDetailsSchema, scheduleStatusSchema } from '../../lib/model/schedule-schemas.js';
import { serviceStatusSchema } from '../../lib/model/service-status.js';
import { snapshotSchema } from '../../lib/model/snapshot.js';
import { storageSpaceSchema } from '../../lib/model/storage-space.js';
import { volumeSchema } from '../../lib/model/volume.js';
import { volumeBackupSchema } from '../../lib/model/volume-backup.js';
import { SELECTED } from './selected.js';

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

const cpuMetrics = Joi.array().items(countersSchema('cpu_time', 'vcpu_time'));
const diskMetrics = Joi.object().pattern(Joi.string(), diskCounters);
const nicMetrics = Joi.object().pattern(Joi.string(), nicCounters);

const guestMetrics = Joi.object({
  guest: guestIdSchema.required(),
  time: Joi.string().isoDate().required().description('When the counters were read'),
  cpu: cpuMetrics.description('One per vCPU, in seconds'),
  disk: diskMetrics.description('By device'),
  nic: nicMetrics.description('By name'),
  memory: Joi.number().description('Host memory that the guest uses, in bytes'),
}).label('guest metrics');

const quotaSizes = Joi.object({
  guests: Joi.number(),
  memory: Joi.number().description('MB'),
  cpu: Joi.number().description('vCPUs'),
  disk: Joi.number().description('MB'),
});

const accessSchema = Joi.object({
  name: Joi.string().allow('').required().description("The token's name, or the certificate's common name"),
  scope: Joi.string()
    .valid(...SCOPES)
    .description('The name of what the grants permit, if it has one'),
  grants: Joi.array().items(grantSchema).required().description('What it may do: what any of them permits'),
  owner: Joi.string().description('Whose quota the guests that it creates count towards'),
  quota: Joi.object({ used: quotaSizes.required(), limits: quotaSizes.required() }).description(
    'What the guests of the owner have together, and may have; absent ones have no limit',
  ),
}).label('access');

/** Makes the schema of a list. Its items may have only the keys that the client selected. */
const listOf = (item: ObjectSchema): Schema => Joi.array().items(item.meta(SELECTED));

export const replies = {
  metadata: metadataSchema,
  guest: guestSchema,
  guests: listOf(guestSchema),
  job: jobSchema,
  jobs: listOf(jobSchema),
  image: imageSchema,
  images: listOf(imageSchema),
  fetch: Joi.object({ images: Joi.array().items(imageSchema).required() }),
  imageUpload: imageUploadSchema,
  upload: Joi.object({
    images: Joi.array().items(imageSchema).required(),
    upload: imageUploadSchema.description('What is there of a file that is not complete'),
  }),
  nothing: Joi.object({}),
  audit: Joi.array().items(auditRecordSchema),
  volume: volumeSchema,
  volumes: listOf(volumeSchema),
  snapshots: listOf(snapshotSchema),
  backup: backupSchema,
  backups: listOf(backupSchema),
  backupDetails: backupDetailsSchema,
  volumeBackup: volumeBackupSchema,
  volumeBackups: listOf(volumeBackupSchema),
  disks: Joi.array().items(diskUseSchema),
  history: historySchema,
  hostDetails: hostDetailsSchema,
  storageSpace: storageSpaceSchema,
  networks: hostNetworksSchema,
  catalogue: catalogueListingSchema,
  fleetHosts: listOf(fleetHostSchema),
  fleetHostRecord: fleetHostSchema,
  fleetHost: fleetHostDetailsSchema,
  host: hostStatusSchema,
  schedule: scheduleDetailsSchema,
  schedules: listOf(scheduleStatusSchema),
  services: Joi.array().items(serviceStatusSchema),
  access: accessSchema,
  exec: execResultSchema,
  addresses: guestAddressesSchema,
  guestAgent: guestAgentInfoSchema,
  fileWritten: fileWrittenSchema,
  trim: trimSchema,
  clock: clockSchema,
  cpuMetrics,
  diskMetrics,
  nicMetrics,
  guestsMetrics: Joi.array().items(guestMetrics),
} as const;
