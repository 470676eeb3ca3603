import type { Command } from 'commander';
import { formatBytes, shortId } from '../../portable/format.js';
import { backupId } from '../names.js';
import { requireTarget, STDOUT, saveBytes } from '../save-bytes.js';
import { withSession } from '../session.js';

interface DownloadOptions {
  output?: string;
  force?: boolean;
}

export const addBackupDownload = (backup: Command): void => {
  backup
    .command('download <backup> <disk>')
    .description('download the content of a disk, by its number, as a raw file')
    .option('-o, --output <file>', 'output file, - for standard output; by default BACKUP-disk-DISK.raw')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, text: string, disk: string, options: DownloadOptions) => {
        const id = await backupId(client, text);
        const file = options.output ?? `${shortId(id)}-disk-${disk}.raw`;
        requireTarget(file, 'a disk', options.force);
        const download = await client.backups.download(id, disk);
        const bytes = await saveBytes(download, file, `download disk ${disk} of backup ${shortId(id)}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
