import { badResponse } from '../../errors.js';
import { type Backup, completeBackupSchema } from '../../model/backup.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import type { BackupResponse } from '../../rpc/protocol/backup-messages.js';
import type { GuestRequest, GuestResponse } from '../../rpc/protocol/guest-messages.js';
import type { RestoreWork } from '../../store/logged-job.js';
import { guestExchange } from '../guests/guest-exchange.js';
import type { Action, Stage } from '../pipeline/action.js';
import type { Exchange } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';

/** A stage responds with a guest, a backup, or both. */
export type BackupStageResponse = Partial<GuestResponse> & Partial<BackupResponse>;

type BackupWork = { backup: string } & Partial<RestoreWork>;

type BackupStageRequest = GuestRequest & BackupWork;

/** An exchange that also tells the backup that a stage responded with. */
export interface BackupExchange extends Exchange<BackupStageRequest, BackupStageResponse> {
  backup: () => Backup | undefined;
}

/**
 * Checks the backup in a response.
 * @throws {AgentError} `bad_answer` when it is malformed, or another one
 */
const requireBackup = ({ service, method }: Stage, backup: unknown, id: string): Backup => {
  const { value, error } = completeBackupSchema.validate(backup, { stripUnknown: true });
  if (error)
    throw badResponse(
      service.name,
      `the response to ${method} has a malformed backup: ${describeMistakes(error)}`,
    );
  if (value.id !== id)
    throw badResponse(service.name, `the response to ${method} has backup ${value.id}, expected ${id}`);
  return value as Backup;
};

/** Sends the check of each stage the guest with what the work says, and stores nothing. */
export const dryBackupExchange = (
  runtime: Runtime,
  action: Action,
  id: string,
  work: BackupWork,
): Exchange<BackupStageRequest, BackupStageResponse> => {
  const { request } = backupExchange(runtime, action, id, work);
  return { request };
};

/**
 * Sends each stage the guest as it is stored at that moment with what the work says, and stores what the stage changed of
 * the guest. A guest that was deleted meanwhile is sent as it last was, so that a stage can end what others began.
 */
export const backupExchange = (
  runtime: Runtime,
  action: Action,
  id: string,
  work: BackupWork,
): BackupExchange => {
  const guests = guestExchange(runtime, action, id);
  let known = runtime.guests.find(id);
  let backup: Backup | undefined;
  return {
    backup: () => backup,
    request: (stage) => {
      known = runtime.guests.find(id) ?? known;
      if (!known) return { ...guests.request(stage), ...work };
      return { guest: known, action: action.name, ...(stage.args ? { args: stage.args } : {}), ...work };
    },
    onResponse: async (stage, { guest, backup: returned, ...response }, request) => {
      if (returned !== undefined) backup = requireBackup(stage, returned, work.backup);
      if (guest && runtime.guests.find(id)) await guests.onResponse?.(stage, { ...response, guest }, request);
    },
  };
};
