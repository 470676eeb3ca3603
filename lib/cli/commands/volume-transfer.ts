import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import type { Command } from 'commander';
import { errorMessage } from '../../errors.js';
import { formatBytes } from '../../portable/format.js';
import { usageFailure } from '../failure.js';
import { receivedLine, startStatusLine } from '../progress.js';
import { countBytes, requireTarget, STDOUT, saveBytes } from '../save-bytes.js';
import { withSession } from '../session.js';

interface DownloadOptions {
  output?: string;
  force?: boolean;
}

const requireReadable = async (file: string): Promise<void> => {
  try {
    await access(file);
  } catch (error) {
    throw usageFailure(`cannot read the archive: ${errorMessage(error)}`);
  }
};

export const addVolumeTransfers = (volume: Command): void => {
  volume
    .command('download <volume>')
    .description('download the files of a volume as a tar archive')
    .option('-o, --output <file>', 'output file; by default standard output')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, name: string, options: DownloadOptions) => {
        const { output: file = STDOUT, force } = options;
        requireTarget(file, 'an archive', force);
        const bytes = await saveBytes(await client.volumes.download(name), file, `download ${name}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );

  volume
    .command('upload <file> <name>')
    .description('create a volume with the files of a tar archive; - reads standard input')
    .action(
      withSession(async ({ client, out }, file: string, name: string) => {
        if (file !== STDOUT) await requireReadable(file);
        const title = `upload ${name}`;
        const line = await startStatusLine(title);
        const counted = countBytes((sent) => line.show(receivedLine(title, sent, undefined)));
        // A failure of the source shows on the bytes that are sent.
        const sent = pipeline(file === STDOUT ? process.stdin : createReadStream(file), counted, () => {});
        const volumes = await client.volumes.upload(name, sent).finally(() => line.stop());
        if (out.json) out.value(volumes);
        else out.line(`volume ${name}: created`);
      }),
    );
};
