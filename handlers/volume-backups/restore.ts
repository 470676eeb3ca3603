import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import type { VolumeRestore } from '../../lib/model/volume-backup.js';
import { submitVolumeRestore } from '../../lib/runtime/actions/volume-backups.js';
import type { BackupParams } from '../backups/get.js';
import { submitOnce } from '../submit.js';

/** Makes a new volume of a backup. */
export const restoreVolumeBackup = (
  event: Event<BackupParams, JobQuery, VolumeRestore | null>,
  context: Context,
): Promise<Reply<Volume[]>> =>
  submitOnce(event, context, (options) =>
    submitVolumeRestore(context.runtime, event.params.backupID, event.payload ?? {}, options),
  );
