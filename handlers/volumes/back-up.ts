import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { PendingVolumeBackup } from '../../lib/model/volume-backup.js';
import { submitVolumeBackup } from '../../lib/runtime/actions/volume-backups.js';
import { submitOnce } from '../submit.js';
import type { VolumeParams } from './get.js';

/** Stores the files of a volume in the repository of backups. */
export const backUpVolume = (
  event: Event<VolumeParams, JobQuery>,
  context: Context,
): Promise<Reply<PendingVolumeBackup>> =>
  submitOnce(event, context, (options) =>
    submitVolumeBackup(context.runtime, event.params.volumeName, options),
  );
