import {
  type BackupDetailsResponse,
  type BackupRequest,
  type BackupsRequest,
  type BackupsResponse,
  backupDiskRequestSchema,
  backupRequestSchema,
  backupsRequestSchema,
  createBackupRequestSchema,
  pruneRequestSchema,
  restoreBackupRequestSchema,
} from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';
import { createBackup } from './create.js';
import { deleteBackup } from './delete.js';
import type { BackupDeps } from './deps.js';
import { downloadDisk } from './download.js';
import { pruneBackups } from './prune.js';
import { readContent } from './read-backup.js';
import { restoreBackup } from './restore.js';
import { verifyBackup } from './verify.js';

type Call = Pick<CallContext, 'signal'>;

/** `Backup.List`, of one guest or of all. */
const list =
  ({ repository, catalog }: BackupDeps) =>
  async ({ guest }: BackupsRequest, { signal }: Call): Promise<BackupsResponse> => {
    if (!(await repository.mayHaveBackups())) return { backups: [] };
    if (!(await repository.isInUse())) await repository.ensure(signal);
    return { backups: (await catalog.list(signal, { guest })).map(({ backup }) => backup) };
  };

/** `Backup.Get`: the backup, and the guest as it was then. */
const get =
  ({ repository, catalog }: BackupDeps) =>
  async ({ backup: id }: BackupRequest, { signal }: Call): Promise<BackupDetailsResponse> => {
    await repository.ensure(signal);
    const stored = await catalog.get(id, signal);
    const { guest, files } = await readContent(repository, stored, signal);
    return { backup: stored.backup, record: guest, files: files.map((name) => ({ name })) };
  };

/** Registers the methods of `Backup`. */
export const addBackupMethods = (subAgent: SubAgent, deps: BackupDeps): void => {
  subAgent
    .method('Backup.Create', createBackupRequestSchema, createBackup(deps))
    .method('Backup.List', backupsRequestSchema, list(deps))
    .method('Backup.Get', backupRequestSchema, get(deps))
    .method('Backup.Delete', backupRequestSchema, deleteBackup(deps))
    .method('Backup.Verify', backupRequestSchema, verifyBackup(deps))
    .method('Backup.Restore', restoreBackupRequestSchema, restoreBackup(deps))
    .method('Backup.Prune', pruneRequestSchema, pruneBackups(deps))
    .stream('/backups/download', backupDiskRequestSchema, downloadDisk(deps));
};
