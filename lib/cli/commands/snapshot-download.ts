import type { Command } from 'commander';
import { formatBytes } from '../../portable/format.js';
import { type DiskFormatOption, diskFormatOption, suffixOf } from '../disk-format.js';
import { type Open, requireTarget, STDOUT, saveDisk } from '../save-bytes.js';
import { withSession } from '../session.js';
import { addDiskOption, type DiskOption, snapshotsOf } from './disk-option.js';

interface DownloadOptions extends DiskOption, DiskFormatOption {
  output?: string;
  force?: boolean;
}

export const addDownload = (snapshot: Command): void => {
  addDiskOption(
    snapshot.command('download <guest> <name>').description('download the contents of a disk in a snapshot'),
  )
    .addOption(diskFormatOption())
    .option(
      '-o, --output <file>',
      'output file, - for standard output; by default GUEST-NAME.raw, .qcow2 or .raw.zst',
    )
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, guest: string, name: string, options: DownloadOptions) => {
        const { format } = options;
        const file = options.output ?? `${guest}-${name}${suffixOf(format)}`;
        requireTarget(file, 'a disk', options.force);
        const snapshots = await snapshotsOf(client, guest, options);
        const open: Open = (after) => snapshots.download(name, { format, after });
        const bytes = await saveDisk(open, file, `download ${name} of ${guest}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
