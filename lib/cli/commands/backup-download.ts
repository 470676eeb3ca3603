import type { Command } from 'commander';
import { formatBytes, shortId } from '../../portable/format.js';
import { type DiskFormatOption, diskFormatOption, suffixOf } from '../disk-format.js';
import { backupId } from '../names.js';
import { type Open, requireTarget, STDOUT, saveDisk } from '../save-bytes.js';
import { withSession } from '../session.js';

interface DownloadOptions extends DiskFormatOption {
  output?: string;
  force?: boolean;
}

export const addBackupDownload = (backup: Command): void => {
  backup
    .command('download <backup> <disk>')
    .description('download the content of a disk, by its number')
    .addOption(diskFormatOption())
    .option(
      '-o, --output <file>',
      'output file, - for standard output; by default BACKUP-disk-DISK.raw, .qcow2 or .raw.zst',
    )
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, text: string, disk: string, options: DownloadOptions) => {
        const id = await backupId(client, text);
        const { format } = options;
        const file = options.output ?? `${shortId(id)}-disk-${disk}${suffixOf(format)}`;
        requireTarget(file, 'a disk', options.force);
        const open: Open = (after) => client.backups.download(id, disk, { format, after });
        const bytes = await saveDisk(open, file, `download disk ${disk} of backup ${shortId(id)}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
