import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { submitVolumeBackupAction } from '../../lib/runtime/actions/volume-backups.js';
import type { BackupParams } from '../backups/get.js';
import { submitOnce } from '../submit.js';

export const deleteVolumeBackup = async (
  event: Event<BackupParams, JobQuery>,
  context: Context,
): Promise<Reply<Record<string, never>>> => {
  const reply = await submitOnce(event, context, (options) =>
    submitVolumeBackupAction(context.runtime, 'deleteVolumeBackup', event.params.backupID, options),
  );
  return { ...reply, body: {} };
};
