import { AgentError, invalid, notCreated } from '../../errors.js';
import type { ActionOfTask } from '../../model/actions.js';
import type { PendingBackup } from '../../model/backup.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { BackupRequest } from '../../rpc/protocol/backup-messages.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { Runtime } from '../runtime.js';
import { backupExchange } from './backup-exchange.js';
import { queryBackup } from './backup-queries.js';
import { createFailure } from './create-outcome.js';
import { withChecks } from './dry-run.js';

/** @throws {AgentError} `invalid` for a container; `conflict` for a guest without disks that could be backed up */
const requireBackupPossible = (runtime: Runtime, guest: Guest): void => {
  const { id, state, disks = [] } = guest;
  if (isContainer(guest))
    throw invalid(`guest ${id} is a container, which has no disks of its own: back up its volumes inside it`);
  if (state === 'error') throw notCreated(id, createFailure(runtime, id));
  if (state === 'create')
    throw new AgentError('conflict', `guest ${id} is being created: back it up when its job has ended`);
  if (disks.length === 0) throw new AgentError('conflict', `guest ${id} has no disks to back up`);
};

/** @throws {AgentError} `conflict` when a job of an action is queued or running for a guest */
const requireNone = ({ queue }: Runtime, guest: string, action: string, what: string): void => {
  const job = queue.jobOf(guest, action);
  if (job !== undefined)
    throw new AgentError(
      'conflict',
      `guest ${guest} is being ${what} by job ${job}: wait until that has ended`,
    );
};

/** @throws {AgentError} `conflict` when a backup of a guest is queued or running */
export const requireNoBackup = (runtime: Runtime, guest: string): void =>
  requireNone(runtime, guest, 'createBackup', 'backed up');

/**
 * Queues the backup of a guest. It runs beside the guest's other actions, one at a time.
 * @throws {AgentError} `invalid` for a container; `conflict` when the guest could not be created, has no disks, or is being
 * backed up or restored
 */
export const submitBackup = async (
  runtime: Runtime,
  guest: Guest,
  options?: SubmitOptions,
): Promise<Submission<PendingBackup>> => {
  const action = runtime.action('createBackup');
  requireBackupPossible(runtime, guest);
  requireNoBackup(runtime, guest.id);
  requireNone(runtime, guest.id, 'restoreBackup', 'restored');
  const backup = crypto.randomUUID();
  const pending = {
    ...{ id: backup, guest: guest.id },
    ...(guest.metadata?.name ? { name: guest.metadata.name } : {}),
  };
  const task = { kind: 'backup', name: 'createBackup', backup, guest: guest.id } as const;
  const submission = await runtime.queue.submit<PendingBackup>(guest.id, action, task, pending, options);
  return withChecks(submission, action, () => backupExchange(runtime, action, guest.id, { backup }));
};

/**
 * Queues an action on a backup that exists.
 * @throws {AgentError} `not_found`; `conflict` for the deletion of a backup that another job works with
 */
export const submitBackupAction = async (
  runtime: Runtime,
  name: Exclude<ActionOfTask<'backup'>, 'createBackup' | 'pruneBackups'>,
  id: string,
  options?: SubmitOptions,
): Promise<Submission<PendingBackup>> => {
  const action = runtime.action(name);
  const { backup } = (await queryBackup(runtime, id)).result;
  const job = name === 'deleteBackup' ? runtime.queue.jobWith(id) : undefined;
  if (job !== undefined)
    throw new AgentError(
      'conflict',
      `backup ${id} is in use by job ${job}: wait until that has ended, or cancel it`,
    );
  const task = { kind: 'backup', name, backup: id, guest: backup.guest } as const;
  const submission = await runtime.queue.submit<PendingBackup>(AGENT_RUNNER, action, task, backup, options);
  return withChecks(submission, action, () => ({ request: (): BackupRequest => ({ backup: id }) }));
};

/** Queues the removal of what no backup in the repository needs . */
export const submitPrune = async (
  runtime: Runtime,
  options?: SubmitOptions,
): Promise<Submission<Record<string, never>>> => {
  const action = runtime.action('pruneBackups');
  const task = { kind: 'backup', name: 'pruneBackups' } as const;
  const submission = await runtime.queue.submit(AGENT_RUNNER, action, task, {}, options);
  return withChecks(submission, action, () => ({ request: () => ({}) }));
};
