import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openBackupDisk } from '../../lib/runtime/actions/backup-queries.js';
import { downloaded } from '../replies.js';
import type { BackupParams } from './get.js';

export interface BackupDiskParams extends BackupParams {
  disk: string;
}

/** Passes the bytes of a disk of a backup through as they arrive. */
export const downloadBackupDisk = async (
  { params: { backupID, disk }, signal }: Event<BackupDiskParams>,
  { runtime }: Context,
): Promise<Reply<Readable>> => downloaded(await openBackupDisk(runtime, { backup: backupID, disk }, signal));
