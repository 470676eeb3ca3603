import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { MistifyClient, UploadSource } from '../../client/index.js';
import { errorMessage } from '../../errors.js';
import { FETCH_FORMATS, type FetchFormat } from '../../model/image-formats.js';
import { formatBytes } from '../../portable/format.js';
import { type DiskFormatOption, diskFormatOption } from '../disk-format.js';
import { EXIT } from '../exit-codes.js';
import { Failure, usageFailure } from '../failure.js';
import { type FollowOptions, reportJob } from '../follow.js';
import { receivedLine, startStatusLine } from '../progress.js';
import { type Open, requireTarget, STDOUT, saveDisk } from '../save-bytes.js';
import { withSession } from '../session.js';

interface UploadOptions extends Pick<FollowOptions, 'wait'> {
  format?: FetchFormat;
  refresh?: boolean;
  restart?: boolean;
}

const openFile = async (file: string): Promise<FileHandle> => {
  try {
    return await open(file, 'r');
  } catch (error) {
    throw usageFailure(`cannot read the image: ${errorMessage(error)}`);
  }
};

const sourceOf = async (file: FileHandle): Promise<UploadSource> => ({
  size: (await file.stat()).size,
  read: async (position, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  },
});

/** Asks before the whole file is read for its sum. @throws {Failure} when the host has a disk image with that id */
const requireFree = async ({ images }: MistifyClient, id: string): Promise<void> => {
  const { items } = await images.list({ type: 'kvm', fields: ['id'] });
  if (items.some((image) => image.id === id))
    throw new Failure(
      EXIT.refused,
      `image ${id} exists already`,
      'Choose another id, or replace it with --refresh.',
    );
};

/** Reads the file once, so that the agent can check that every byte of it has arrived. */
const sumOf = async (file: FileHandle, size: number, onRead: (bytes: number) => void): Promise<string> => {
  const hash = createHash('sha256');
  let bytes = 0;
  if (size > 0)
    for await (const chunk of file.createReadStream({
      start: 0,
      autoClose: false,
    }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      onRead(bytes);
    }
  return hash.digest('hex');
};

const UPLOAD_NOTES = `
The agent checks the file like one that it fetches, and its SHA-256 sum. An upload that breaks off continues where it was
when you repeat the command, within a day.

Examples:
  mistify image upload debian-12.qcow2 debian-12 --wait`;

export const addUpload = (image: Command): void => {
  image
    .command('upload <file> <image>')
    .description('upload an image from this computer')
    .addOption(
      new Option('--format <format>', 'format of the file, where it does not show what it is').choices(
        FETCH_FORMATS,
      ),
    )
    .option('--refresh', 'replace the image if it exists; guests keep the version that they were made of')
    .option('--restart', 'begin at the first byte, even if the agent has a part of the file')
    .option('-w, --wait', 'wait until the agent has made the file an image')
    .addHelpText('after', UPLOAD_NOTES)
    .action(
      withSession(async (session, path: string, id: string, options: UploadOptions) => {
        const { format, refresh, restart } = options;
        const file = await openFile(path);
        const line = await startStatusLine(`upload ${id}`);
        try {
          if (!refresh) await requireFree(session.client, id);
          const source = await sourceOf(file);
          const show = (title: string) => (bytes: number) =>
            line.show(receivedLine(title, bytes, source.size));
          const sha256 = await sumOf(file, source.size, show(`sum of ${path}`));
          const accepted = await session.client.images.upload(id, source, {
            ...{ sha256, resume: !restart, onProgress: show(`upload ${id}`) },
            ...(format ? { format } : {}),
            ...(refresh ? { refresh } : {}),
          });
          line.stop();
          await reportJob(session, accepted, `upload ${id}`, options);
        } finally {
          line.stop();
          await file.close();
        }
      }),
    );
};

interface ImageDownloadOptions extends DiskFormatOption {
  output?: string;
  force?: boolean;
}

export const addDownload = (image: Command): void => {
  image
    .command('download <image>')
    .description('download a disk image')
    .addOption(diskFormatOption('the file as it is stored: qcow2, or raw on a host with ZFS'))
    .option('-o, --output <file>', 'output file; by default standard output')
    .option('--force', 'replace an existing file')
    .action(
      withSession(async ({ client, out }, id: string, options: ImageDownloadOptions) => {
        const { output: file = STDOUT, force, format } = options;
        requireTarget(file, 'an image', force);
        const open: Open = (after) => client.images.download(id, { format, after });
        const bytes = await saveDisk(open, file, `download ${id}`);
        if (file === STDOUT) return;
        if (out.json) out.value({ file, bytes });
        else out.line(`${file}: ${formatBytes(bytes)}`);
      }),
    );
};
