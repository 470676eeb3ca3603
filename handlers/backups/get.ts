import type { Context } from '../../lib/agent/context.js';
import { requireOnGuest } from '../../lib/auth/authorize.js';
import { backupNotFound } from '../../lib/errors.js';
import type { BackupDetails } from '../../lib/model/backup-details.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { normalizeGuest } from '../../lib/model/guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { queryBackup } from '../../lib/runtime/actions/backup-queries.js';
import { actionResult } from '../replies.js';

export interface BackupParams {
  backupID: string;
}

/** Returns a backup with the record of its guest, without the secrets that the client may not read. */
export const getBackup = async (
  { params, principal, signal }: Event<BackupParams>,
  { guests, runtime }: Context,
): Promise<Reply<BackupDetails>> => {
  const { pipelineId, result } = await queryBackup(runtime, params.backupID, signal);
  const { backup, record } = result;
  const subject = guests.subject(backup.guest);
  requireOnGuest(principal, 'look', subject, backupNotFound(params.backupID));
  // A key may have been sealed since.
  const shown = viewFor(principal, subject).earlierGuest(
    normalizeGuest(record),
    guests.sealedKeys(backup.guest),
  );
  return actionResult({ pipelineId, result: { ...backup, record: shown } });
};
