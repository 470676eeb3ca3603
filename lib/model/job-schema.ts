import Joi from 'joi';
import { JOB_CAUSES, JOB_STATUSES, type Job } from './job.js';
import { uuid } from './uuid.js';

export const jobSchema = Joi.object<Job>({
  ID: uuid().required(),
  GuestID: Joi.string().required(),
  Action: Joi.string().required(),
  QueuedAt: Joi.string().isoDate().required(),
  StartedAt: Joi.string().isoDate().required(),
  UpdatedAt: Joi.string().isoDate().required(),
  Status: Joi.string()
    .valid(...JOB_STATUSES)
    .required(),
  Message: Joi.string().allow('').required(),
  GuestName: Joi.string().description("The guest's name when the job was queued").example('web'),
  ImageID: Joi.string()
    .allow('')
    .description('The image of an image action, or that a new guest is made from')
    .example('debian-12'),
  SnapshotName: Joi.string().description('The snapshot of an action on a snapshot').example('monday'),
  BackupID: uuid().description('The backup of an action on a backup'),
  VolumeID: Joi.string().description('The volume of an action on a volume').example('shop-data'),
  RequestedBy: Joi.string()
    .allow('')
    .description('The name of the client that requested it; absent when the agent queued it by itself')
    .example('ci'),
  Cause: Joi.string()
    .valid(...JOB_CAUSES)
    .description(
      'Why the agent queued it by itself: `autostart` after a boot of the host, `restart` after a failure, `host-down` because the host goes down, `schedule` by a schedule',
    ),
}).label('job');
