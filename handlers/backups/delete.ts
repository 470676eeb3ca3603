import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { submitBackupAction } from '../../lib/runtime/actions/submit-backup.js';
import { requireBackup } from '../rights.js';
import { submitOnce } from '../submit.js';
import type { BackupParams } from './get.js';

export const deleteBackup = async (
  event: Event<BackupParams, JobQuery>,
  context: Context,
): Promise<Reply<Record<string, never>>> => {
  const reply = await submitOnce(event, context, async (options) => {
    await requireBackup(event, context, 'backup', event.params.backupID);
    return submitBackupAction(context.runtime, 'deleteBackup', event.params.backupID, options);
  });
  return { ...reply, body: {} };
};
