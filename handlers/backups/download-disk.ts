import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openBackupDisk } from '../../lib/runtime/actions/backup-queries.js';
import { type DiskDownloadQuery, diskDownloaded, diskWish } from '../disk-download.js';
import { requireBackup } from '../rights.js';
import type { BackupParams } from './get.js';

export interface BackupDiskParams extends BackupParams {
  disk: string;
}

/** Passes the content of a disk of a backup through as it arrives. */
export const downloadBackupDisk = async (
  event: Event<BackupDiskParams, DiskDownloadQuery>,
  context: Context,
): Promise<Reply<Readable>> => {
  const { backupID, disk } = event.params;
  await requireBackup(event, context, 'content', backupID);
  const wish = diskWish(event);
  const opened = await openBackupDisk(context.runtime, { backup: backupID, disk, ...wish }, event.signal);
  return diskDownloaded(opened, wish, 'raw');
};
