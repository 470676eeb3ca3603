import { randomUUID } from 'node:crypto';
import { AgentError, invalid } from '../../errors.js';
import type { BackedUpDisk } from '../../model/backup.js';
import type { Guest } from '../../model/guest.js';
import { requireMetadataFits } from '../../model/metadata.js';
import { missingDisks, type RestoreRequest, restoredGuest, withRestoredSizes } from '../../model/restore.js';
import type { BackupDetailsResponse } from '../../rpc/protocol/backup-messages.js';
import type { RestoreWork } from '../../store/logged-job.js';
import { dryGuestExchange } from '../guests/guest-exchange.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { checkPipeline } from '../pipeline/check.js';
import type { Runtime } from '../runtime.js';
import { dryBackupExchange } from './backup-exchange.js';
import { queryBackup } from './backup-queries.js';
import { withChecks } from './dry-run.js';
import { requireStopped } from './require-stopped.js';
import { updateStorageSize } from './storage-actions.js';
import { requireNoBackup } from './submit-backup.js';
import { requireFree, submitNewGuest } from './submit-create.js';
import { requireNotTemplate } from './templates.js';

/**
 * Chooses the disks of a backup that a client wants.
 * @throws {AgentError} `invalid` for a disk that the backup does not have
 */
const chooseDisks = (
  { backup }: BackupDetailsResponse,
  wanted: readonly string[] | undefined,
): BackedUpDisk[] => {
  const names = backup.disks.map(({ disk }) => disk);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalid(`backup ${backup.id} has no disk ${unknown}, only ${names.join(', ')}`);
  return backup.disks.filter(({ disk }) => wanted?.includes(disk) ?? true);
};

/**
 * Queues the restore into the guest of the backup.
 * @throws {AgentError} `conflict` when the guest runs, is being backed up, or lacks a disk of the backup
 */
const submitIntoGuest = async (
  runtime: Runtime,
  guest: Guest,
  details: BackupDetailsResponse,
  { disks: wanted, start = false }: RestoreRequest,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  const action = runtime.action('restoreBackup');
  const disks = chooseDisks(details, wanted);
  requireNotTemplate(guest, 'restoreBackup');
  requireStopped(runtime, guest, 'restore it');
  requireNoBackup(runtime, guest.id);
  const [missing] = missingDisks(guest, disks);
  if (missing !== undefined)
    throw new AgentError(
      'conflict',
      `guest ${guest.id} has no disk ${missing} now: restore only the disks that it has, with "disks", or restore the backup as a new guest`,
    );
  const files = wanted === undefined;
  const request: RestoreWork = {
    backup: details.backup.id,
    restore: { disks, files: files ? details.files : [] },
    disks: disks.map(({ disk }) => ({ disk, target: disk })),
    files,
  };
  await updateStorageSize(runtime);
  runtime.quota.checkGrowth(withRestoredSizes(guest, request));
  const task = { kind: 'restore', name: 'restoreBackup', request, start } as const;
  const submission = await runtime.queue.submit(guest.id, action, task, guest, options);
  return withChecks(submission, action, () => dryBackupExchange(runtime, action, guest.id, request));
};

/** Queues the restore as a guest that this host does not have. */
const submitAsGuest = async (
  runtime: Runtime,
  guest: Guest,
  { backup, files }: BackupDetailsResponse,
  start: boolean,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  const action = runtime.action('restoreGuest');
  requireMetadataFits(guest.metadata ?? {});
  const request: RestoreWork = {
    backup: backup.id,
    restore: { disks: backup.disks.map(({ size }, index) => ({ disk: String(index), size })), files },
    disks: backup.disks.map(({ disk }, index) => ({ disk, target: String(index) })),
    files: true,
  };
  // A part that this host lacks, such as a network, is found before hours of copying.
  if (!options.dryRun) await checkPipeline(action, dryGuestExchange(action, guest));
  const task = { kind: 'restore', name: 'restoreGuest', request, start } as const;
  return submitNewGuest(runtime, guest, { action, task }, options);
};

/**
 * Queues the restore of a backup: into its guest, as a new guest, or as its guest made again when this host does not have
 * it.
 * @throws {AgentError} `not_found` for an unknown backup; `invalid`, `conflict` or `no_space` when it cannot be restored so
 */
export const submitRestore = async (
  runtime: Runtime,
  id: string,
  wanted: RestoreRequest,
  options: SubmitOptions = {},
): Promise<Submission<Guest>> => {
  const { guest: into, disks, start = false } = wanted;
  if (wanted.id !== undefined) requireFree(runtime, wanted.id);
  const details = (await queryBackup(runtime, id)).result;
  const { backup, record } = details;
  if (into !== undefined && into !== backup.guest)
    throw new AgentError(
      'conflict',
      `backup ${id} is of guest ${backup.guest}, not of ${into}: leave out "guest" to restore it as a new guest`,
    );
  const existing = into === undefined ? undefined : runtime.guests.find(into);
  if (existing && existing.state !== 'error')
    return submitIntoGuest(runtime, existing, details, wanted, options);
  if (into !== undefined && disks !== undefined)
    throw invalid(`guest ${into} is not on this host: leave out "disks" to restore all of it`);
  const guest =
    into === undefined
      ? restoredGuest(record, backup.disks, {
          id: wanted.id ?? randomUUID(),
          copy: { name: wanted.name },
        })
      : restoredGuest(record, backup.disks, { id: into });
  return submitAsGuest(runtime, guest, details, start, options);
};
