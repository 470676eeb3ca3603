import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { RestoreRequest } from '../../lib/model/restore.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitRestore } from '../../lib/runtime/actions/submit-restore.js';
import { submitOnce } from '../submit.js';
import type { BackupParams } from './get.js';

export const restoreBackup = async (
  event: Event<BackupParams, JobQuery, RestoreRequest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const reply = await submitOnce(event, context, (options) =>
    submitRestore(context.runtime, event.params.backupID, event.payload ?? {}, options),
  );
  return { ...reply, body: viewFor(event.principal).guest(reply.body), guest: reply.body.id };
};
