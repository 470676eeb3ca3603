import Joi from 'joi';
import type { BackupDiskParams } from '../../handlers/backups/download-disk.js';
import type { BackupParams } from '../../handlers/backups/get.js';
import type { ProfileParams } from '../../handlers/debug/profile.js';
import type { GuestJobParams } from '../../handlers/guests/jobs/get.js';
import type { NicParams } from '../../handlers/guests/nics/submit-nic-change.js';
import type { SnapshotParams } from '../../handlers/guests/snapshots/selector.js';
import type { HostParams } from '../../handlers/hosts/require-fleet.js';
import type { ImageParams } from '../../handlers/images/get.js';
import type { JobParams } from '../../handlers/jobs/get.js';
import type { ScheduleParams } from '../../handlers/schedules/get.js';
import type { VolumeParams } from '../../handlers/volumes/get.js';
import { backupDiskNameSchema, backupIdSchema } from '../../lib/model/backup.js';
import { cdromDeviceSchema } from '../../lib/model/cdroms.js';
import type { CdromParams, GuestParams } from '../../lib/model/endpoint.js';
import { guestIdSchema } from '../../lib/model/guest-schemas.js';
import { imageIdSchema } from '../../lib/model/image-id.js';
import { nicNameSchema } from '../../lib/model/nic-changes.js';
import { scheduleIdSchema } from '../../lib/model/schedule-schemas.js';
import { diskIdSchema, snapshotNameSchema } from '../../lib/model/snapshot.js';
import { uuid } from '../../lib/model/uuid.js';
import { volumeNameSchema } from '../../lib/model/volume.js';

const guestID = guestIdSchema.required();
const jobID = uuid().required().label('job id').description('The UUID of a job');
const diskID = diskIdSchema.required();
const name = snapshotNameSchema.required();

export const guestParams = Joi.object<GuestParams, true>({ guestID });

export const nicParams = Joi.object<NicParams, true>({ guestID, nicName: nicNameSchema });
export const cdromParams = Joi.object<CdromParams, true>({ guestID, cdrom: cdromDeviceSchema.required() });

export const jobParams = Joi.object<JobParams, true>({ jobID });
export const guestJobParams = Joi.object<GuestJobParams, true>({ guestID, jobID });

export const imageParams = Joi.object<ImageParams, true>({ imageID: imageIdSchema.required() });

export const volumeParams = Joi.object<VolumeParams, true>({ volumeName: volumeNameSchema.required() });

export const hostParams = Joi.object<HostParams, true>({
  hostID: uuid().required().label('host id').description('The UUID of a host'),
});

export const snapshotParams = Joi.object<GuestParams & { name: string }, true>({ guestID, name });
export const diskSnapshotsParams = Joi.object<GuestParams & { diskID: string }, true>({ guestID, diskID });
export const diskSnapshotParams = Joi.object<Required<SnapshotParams>, true>({ guestID, name, diskID });

export const scheduleParams = Joi.object<ScheduleParams, true>({ scheduleID: scheduleIdSchema.required() });

export const profileParams = Joi.object<ProfileParams, true>({
  profile: Joi.string().max(64).required().description('The profile: `profile` (CPU) or `heap`'),
});

const backupID = backupIdSchema.required();

export const backupParams = Joi.object<BackupParams, true>({ backupID });
export const backupDiskParams = Joi.object<BackupDiskParams, true>({
  backupID,
  disk: backupDiskNameSchema.required(),
});
