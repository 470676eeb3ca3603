import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { errorMessage } from '../../errors.js';
import { formatBytes } from '../../portable/format.js';
import { usageFailure } from '../failure.js';
import { guestId } from '../names.js';
import { receivedLine, startStatusLine } from '../progress.js';
import { type Session, withSession } from '../session.js';

interface CopyOptions {
  mode?: string;
  force?: boolean;
}

/** A path in a guest. */
interface Place {
  guest: string;
  path: string;
}

const NOTES = `
One of the two is a path in a guest, GUEST:/PATH. The other one is a file of this machine, or - for standard input or
output. A copy to the guest replaces the file; if it is interrupted, the file is incomplete.

Examples:
  mistify guest cp web:/etc/hosts hosts
  mistify guest cp app.conf web:/etc/app.conf --mode 0600
  mistify guest cp web:/var/log/syslog - | grep error`;

/** Parses `GUEST:/PATH`. A path with a slash before its colon is a local one. */
const placeOf = (text: string): Place | undefined => {
  const [, guest, path] = /^([^/:]+):(.+)$/.exec(text) ?? [];
  return guest !== undefined && path !== undefined ? { guest, path } : undefined;
};

const targetOf = (local: string, path: string, { force = false }: CopyOptions): string => {
  const isDirectory = statSync(local, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = isDirectory ? join(local, basename(path)) : local;
  if (!force && existsSync(file))
    throw usageFailure(`${file} already exists`, 'Give another name, or replace it with --force.');
  return file;
};

const fetchFile = async (
  { client, out }: Session,
  { guest, path }: Place,
  local: string,
  options: CopyOptions,
): Promise<void> => {
  const file = local === '-' ? local : targetOf(local, path, options);
  const { bytes, length } = await client.agentOf(await guestId(client, guest)).readFile(path);
  if (file === '-') return pipeline(bytes, process.stdout);
  const title = `copy ${guest}:${path}`;
  const line = await startStatusLine(title);
  const target = createWriteStream(`${file}.part`);
  bytes.on('data', () => line.show(receivedLine(title, target.bytesWritten, length)));
  try {
    await pipeline(bytes, target);
    await rename(`${file}.part`, file);
  } catch (error) {
    await rm(`${file}.part`, { force: true });
    throw error;
  } finally {
    line.stop();
  }
  const { bytesWritten: size } = target;
  if (out.json) out.value({ file, bytes: size });
  else out.line(`${file}: ${formatBytes(size)}`);
};

const sizeOf = async (local: string): Promise<number> => {
  try {
    const stats = await stat(local);
    if (!stats.isDirectory()) return stats.size;
  } catch (error) {
    throw usageFailure(`cannot read the file: ${errorMessage(error)}`);
  }
  throw usageFailure(
    `${local} is a directory`,
    'Pack it first: tar -cf - DIRECTORY | mistify guest cp - GUEST:/PATH',
  );
};

const sendFile = async (
  { client, out }: Session,
  local: string,
  { guest, path }: Place,
  { mode }: CopyOptions,
): Promise<void> => {
  const length = local === '-' ? undefined : await sizeOf(local);
  const agent = client.agentOf(await guestId(client, guest));
  const target = path.endsWith('/') && local !== '-' ? `${path}${basename(local)}` : path;
  const title = `copy to ${guest}:${target}`;
  const line = await startStatusLine(title);
  try {
    const { size } = await agent.writeFile(target, local === '-' ? process.stdin : createReadStream(local), {
      mode,
      onProgress: (bytes) => line.show(receivedLine(title, bytes, length)),
    });
    line.stop();
    if (out.json) out.value({ file: target, bytes: size });
    else out.line(`${guest}:${target}: ${formatBytes(size)}`);
  } finally {
    line.stop();
  }
};

export const addCopy = (guest: Command): void => {
  guest
    .command('cp <from> <to>')
    .description('copy a file from or to a virtual machine, through its guest agent')
    .option('--mode <mode>', 'permissions in the guest, in octal; those of a new file are 0644 by default')
    .option('--force', 'replace a file of this machine')
    .addHelpText('after', NOTES)
    .action(
      withSession(async (session, from: string, to: string, options: CopyOptions) => {
        const [source, target] = [placeOf(from), placeOf(to)];
        if (source && !target) return fetchFile(session, source, to, options);
        if (target && !source) return sendFile(session, from, target, options);
        throw usageFailure(
          source ? 'both are in guests' : 'neither is in a guest',
          'Write the one in a guest as GUEST:/PATH, and a local one with a colon as ./FILE.',
        );
      }),
    );
};
