import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { formatBytes } from '../../portable/format.js';
import { usageFailure } from '../failure.js';
import { receivedLine, startStatusLine } from '../progress.js';
import { withSession } from '../session.js';
import { addDiskOption, type DiskOption, snapshotsOf } from './disk-option.js';

interface DownloadOptions extends DiskOption {
  output?: string;
  force?: boolean;
}

const countBytes = (onCount: (bytes: number) => void): Transform => {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onCount(bytes);
      done(null, chunk);
    },
  });
};

const requireTarget = (file: string, force: boolean | undefined): void => {
  if (file === '-' && process.stdout.isTTY)
    throw usageFailure('refusing to write a disk to a terminal', 'Give a file with -o FILE, or use a pipe.');
  if (file !== '-' && !force && existsSync(file))
    throw usageFailure(
      `${file} already exists`,
      'Give another file with -o FILE, or replace it with --force.',
    );
};

export const addDownload = (snapshot: Command): void => {
  addDiskOption(
    snapshot.command('download <guest> <name>').description('download the contents of a disk in a snapshot'),
  )
    .option('-o, --output <file>', 'output file, - for standard output; by default GUEST-NAME.raw')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, guest: string, name: string, options: DownloadOptions) => {
        const file = options.output ?? `${guest}-${name}.raw`;
        requireTarget(file, options.force);
        const { bytes, length } = await (await snapshotsOf(client, guest, options)).download(name);
        const title = `download ${name} of ${guest}`;
        const line = await startStatusLine(title);
        let received = 0;
        const counted = countBytes((count) => {
          received = count;
          line.show(receivedLine(title, count, length));
        });
        // A file of the final name is always complete.
        const part = `${file}.part`;
        try {
          if (file === '-') return await pipeline(bytes, counted, process.stdout);
          await pipeline(bytes, counted, createWriteStream(part));
          await rename(part, file);
        } catch (error) {
          await rm(part, { force: true });
          throw error;
        } finally {
          line.stop();
        }
        if (out.json) out.value({ file, bytes: received });
        else out.line(`${file}: ${formatBytes(received)}`);
      }),
    );
};
