import { PassThrough, type Readable } from 'node:stream';
import { execa } from 'execa';
import { drained } from '../../../async/drained.js';
import { firstBytes } from '../../../async/first-bytes.js';
import { errorMessage } from '../../../errors.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { Logger } from '../../../log.js';
import { endingWithParent } from '../../../process/with-parent.js';
import { recordDamage } from '../damage.js';
import type { BackupDeps } from '../deps.js';
import { DamagedError } from '../read-backup.js';
import type { StoredVolume } from './catalog.js';
import { ARCHIVE } from './tags.js';

const write = async (out: PassThrough, chunk: Buffer): Promise<void> => {
  if (!out.write(chunk)) await drained(out);
};

/** Streams the archive of a backup. A failure ends it before it is complete, and marks a backup that is damaged. */
export const openArchive = (
  deps: BackupDeps,
  { backup, snapshot }: StoredVolume,
  log: Logger,
): Promise<Readable> => {
  const out = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES });
  const ended = new AbortController();
  // A reader that goes away ends restic.
  out.once('close', () => ended.abort(new Error('the reader of the backup broke off')));
  deps.repository
    .dumpFile(snapshot, ARCHIVE, ended.signal, (chunk) => write(out, chunk))
    .then(
      () => out.end(),
      async (error: Error) => {
        if (out.destroyed) return;
        log.warn({ backup: backup.id }, `reading the backup of a volume failed: ${errorMessage(error)}`);
        await recordDamage(deps, backup.id, error).catch(() => {});
        out.destroy(error);
      },
    );
  return firstBytes(out);
};

/**
 * Reads all of a backup. restic compares what it reads with its sums, and tar looks whether the archive is complete.
 * @throws {DamagedError} when the archive is not
 */
export const readArchive = async (
  { repository }: Pick<BackupDeps, 'repository'>,
  { backup, snapshot }: StoredVolume,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => {},
): Promise<void> => {
  const [program, ...args] = endingWithParent('KILL', ['tar', '--list', '--file=-']);
  const tar = execa(program, args, { reject: false, stdin: 'pipe', stdout: 'ignore' });
  tar.stdin.on('error', () => {});
  try {
    await repository.dumpFile(snapshot, ARCHIVE, signal, async (chunk) => {
      onRead(chunk.length);
      // tar stops reading at the end of the archive, and what follows is read all the same.
      if (!tar.stdin.destroyed && !tar.stdin.write(chunk)) await drained(tar.stdin);
    });
  } finally {
    tar.stdin.end();
  }
  const { exitCode, stderr } = await tar;
  if (exitCode !== 0)
    throw new DamagedError(`backup ${backup.id} is damaged: its archive is not complete (${stderr.trim()})`);
};
