import type { Context } from '../../lib/agent/context.js';
import type { PendingBackup } from '../../lib/model/backup.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { submitBackupAction } from '../../lib/runtime/actions/submit-backup.js';
import { requireBackup } from '../rights.js';
import { submitOnce } from '../submit.js';
import type { BackupParams } from './get.js';

/** Reads a backup completely and compares it with what was written, without restoring it anywhere. */
export const verifyBackup = (
  event: Event<BackupParams, JobQuery>,
  context: Context,
): Promise<Reply<PendingBackup>> =>
  submitOnce(event, context, async (options) => {
    await requireBackup(event, context, 'backup', event.params.backupID);
    return submitBackupAction(context.runtime, 'verifyBackup', event.params.backupID, options);
  });
