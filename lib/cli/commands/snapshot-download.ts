import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { formatBytes } from '../../portable/format.js';
import { usageFailure } from '../failure.js';
import { receivedLine, startProgress } from '../progress.js';
import { talking } from '../session.js';
import { type DiskOption, ofDisk, snapshotsOf } from './disk-option.js';

interface DownloadOptions extends DiskOption {
  output?: string;
  force?: boolean;
}

const counting = (onCount: (bytes: number) => void): Transform => {
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
    throw usageFailure('bytes do not go to a terminal', 'Name a file with -o FILE, or pipe it elsewhere.');
  if (file !== '-' && !force && existsSync(file))
    throw usageFailure(
      `${file} is there already`,
      'Name another file with -o FILE, or replace it with --force.',
    );
};

export const addDownload = (snapshot: Command): void => {
  ofDisk(snapshot.command('download <guest> <name>').description("get a disk's bytes as they were"))
    .option('-o, --output <file>', 'where to; - for standard output; by default GUEST-NAME.raw')
    .option('--force', 'replace the file when it is there already')
    .action(
      talking(async ({ client, out }, guest: string, name: string, options: DownloadOptions) => {
        const file = options.output ?? `${guest}-${name}.raw`;
        requireTarget(file, options.force);
        const { bytes, length } = await (await snapshotsOf(client, guest, options)).download(name);
        const title = `download ${name} of ${guest}`;
        const progress = await startProgress(title);
        let received = 0;
        const counted = counting((count) => {
          received = count;
          progress.show(receivedLine(title, count, length));
        });
        // What is half there has another name: a whole disk can be told from it.
        const part = `${file}.part`;
        try {
          if (file === '-') return await pipeline(bytes, counted, process.stdout);
          await pipeline(bytes, counted, createWriteStream(part));
          await rename(part, file);
        } catch (error) {
          await rm(part, { force: true });
          throw error;
        } finally {
          progress.stop();
        }
        if (out.json) out.value({ file, bytes: received });
        else out.line(`${file}: ${formatBytes(received)}`);
      }),
    );
};
