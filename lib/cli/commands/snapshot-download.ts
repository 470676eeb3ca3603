import type { Command } from 'commander';
import { formatBytes } from '../../portable/format.js';
import { requireTarget, STDOUT, saveBytes } from '../save-bytes.js';
import { withSession } from '../session.js';
import { addDiskOption, type DiskOption, snapshotsOf } from './disk-option.js';

interface DownloadOptions extends DiskOption {
  output?: string;
  force?: boolean;
}

export const addDownload = (snapshot: Command): void => {
  addDiskOption(
    snapshot.command('download <guest> <name>').description('download the contents of a disk in a snapshot'),
  )
    .option('-o, --output <file>', 'output file, - for standard output; by default GUEST-NAME.raw')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, guest: string, name: string, options: DownloadOptions) => {
        const file = options.output ?? `${guest}-${name}.raw`;
        requireTarget(file, 'a disk', options.force);
        const download = await (await snapshotsOf(client, guest, options)).download(name);
        const bytes = await saveBytes(download, file, `download ${name} of ${guest}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
