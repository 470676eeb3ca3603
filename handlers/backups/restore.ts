import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { RestoreRequest } from '../../lib/model/restore.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitRestore } from '../../lib/runtime/actions/submit-restore.js';
import { creatorOf, requireBackup } from '../rights.js';
import { submitOnce } from '../submit.js';
import type { BackupParams } from './get.js';

export const restoreBackup = async (
  event: Event<BackupParams, JobQuery, RestoreRequest | null>,
  context: Context,
): Promise<Reply<Guest>> => {
  const reply = await submitOnce(event, context, async (options) => {
    const { backupID } = event.params;
    await requireBackup(event, context, 'backup', backupID);
    const { guest, start } = event.payload ?? {};
    // Whoever has the copy of a disk can read it.
    if (guest === undefined) await requireBackup(event, context, 'content', backupID);
    else if (start) await requireBackup(event, context, 'power', backupID);
    const creator = creatorOf(event, context);
    return submitRestore(context.runtime, backupID, event.payload ?? {}, { ...options, creator });
  });
  return { ...reply, body: viewFor(event.principal, reply.body).guest(reply.body), guest: reply.body.id };
};
