import { type Command, Option } from 'commander';
import { EXPORT_FORMATS, type ExportFormat } from '../../model/guest-export.js';
import { formatBytes } from '../../portable/format.js';
import { guestId } from '../names.js';
import { requireTarget, STDOUT, saveBytes } from '../save-bytes.js';
import { withSession } from '../session.js';

interface ExportOptions {
  output?: string;
  force?: boolean;
  format?: ExportFormat;
}

const NOTES = `
The guest may run: its disks are captured at one moment, and its file systems are frozen for that where its guest agent
responds. A file that was cut off is not accepted by an import.

Examples:
  mistify guest export web > web.tar.zst
  mistify guest export web --output web.tar.zst
  mistify guest export web --format ova --output web.ova`;

export const addExport = (guest: Command): void => {
  guest
    .command('export <guest>')
    .description('export a virtual machine with its disks to one file')
    .option('-o, --output <file>', 'output file; by default standard output')
    .option('--force', 'replace an existing file')
    .addOption(
      new Option(
        '--format <format>',
        'mistify (the default) keeps everything; ova is for other hypervisors',
      ).choices(EXPORT_FORMATS),
    )
    .addHelpText('after', NOTES)
    .action(
      withSession(async ({ client, out }, text: string, options: ExportOptions) => {
        const { output: file = STDOUT, force, format } = options;
        requireTarget(file, 'a guest', force);
        const { leftOut, ...download } = await client.guests.export(await guestId(client, text), { format });
        const bytes = await saveBytes(download, file, `export ${text}`);
        out.note(`not in the file: ${leftOut.join('; ')}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes, leftOut });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
