import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { PendingVolumeBackup } from '../../lib/model/volume-backup.js';
import { submitVolumeBackupAction } from '../../lib/runtime/actions/volume-backups.js';
import type { BackupParams } from '../backups/get.js';
import { submitOnce } from '../submit.js';

/** Reads the backup of a volume completely, without restoring it. */
export const verifyVolumeBackup = (
  event: Event<BackupParams, JobQuery>,
  context: Context,
): Promise<Reply<PendingVolumeBackup>> =>
  submitOnce(event, context, (options) =>
    submitVolumeBackupAction(context.runtime, 'verifyVolumeBackup', event.params.backupID, options),
  );
