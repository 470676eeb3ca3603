import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InFlight } from '../../async/in-flight.js';
import { OWNER_ONLY, sync } from '../../files/atomic-files.js';
import { MB } from '../../model/units.js';
import type { TargetDisk } from '../../rpc/protocol/backup-disk-messages.js';
import type { BackupResponse, RestoreBackupRequest } from '../../rpc/protocol/backup-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { requireDisk, type StoredBackup } from './catalog.js';
import { chunkBytesOf } from './chunks/layout.js';
import type { DiskSums } from './chunks/sums.js';
import { recordDamage } from './damage.js';
import type { BackupDeps } from './deps.js';
import { NbdClient } from './nbd/client.js';
import { oncePerSecond } from './progress.js';
import { diskSumsOf, readDisk, readFiles, readSums } from './read-backup.js';
import { requireFileName } from './small-files.js';

/** Chunks that are written at the same time. */
const PARALLEL = 8;

/** A disk of a backup, and the disk that gets its content. */
interface Job {
  disk: string;
  size: number;
  target: TargetDisk;
}

/** @throws {Refusal} when the backup does not have a disk, or a target is too small for it */
const plan = (stored: StoredBackup, { disks, target }: RestoreBackupRequest): Job[] =>
  disks.map(({ disk, target: name }) => {
    const { size } = requireDisk(stored, disk);
    const found = target.disks.find((other) => other.disk === name);
    if (!found) throw new Error(`the storage has not opened disk ${name} for writing`);
    if (found.size < size)
      throw new Refusal(
        'conflict',
        `disk ${name} has ${found.size} bytes, and disk ${disk} of the backup ${size}: grow it first`,
      );
    return { disk, size, target: found };
  });

/** Makes everything zero that the backup has no chunks of. */
const clear = async (client: NbdClient, sums: DiskSums, chunkBytes: number): Promise<void> => {
  let start = 0;
  const clearTo = async (end: number): Promise<void> => {
    if (end > start) await client.writeZeroes(start, end - start);
  };
  for (const index of sums.indexes()) {
    await clearTo(index * chunkBytes);
    start = (index + 1) * chunkBytes;
  }
  await clearTo(client.size);
};

const restoreDisk = async (
  { repository }: BackupDeps,
  stored: StoredBackup,
  { disk, size, target }: Job,
  sums: DiskSums,
  signal: AbortSignal,
  onWritten: (bytes: number) => void,
): Promise<void> => {
  const chunkBytes = chunkBytesOf(size);
  const client = await NbdClient.connect(target, signal);
  try {
    if (client.size < size) throw new Error(`disk ${target.disk} has only ${client.size} bytes`);
    await clear(client, sums, chunkBytes);
    await InFlight.run(PARALLEL, (flight) =>
      readDisk(repository, stored, disk, sums, signal, (index, content) =>
        flight.add(async () => {
          await client.write(index * chunkBytes, content);
          onWritten(content.length);
        }),
      ),
    );
    await client.flush();
  } finally {
    client.close();
  }
};

const restoreFile = async (dir: string, name: string, content: Buffer): Promise<void> => {
  const path = join(dir, requireFileName(name));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, content, { mode: OWNER_ONLY });
  await chmod(path, OWNER_ONLY);
  await sync(path);
};

/** Writes the disks and files of a restore that has been planned. */
const restoreAll = async (
  deps: BackupDeps,
  request: RestoreBackupRequest,
  stored: StoredBackup,
  jobs: readonly Job[],
  { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
): Promise<void> => {
  const { repository } = deps;
  const sums = await readSums(repository, stored, signal);
  const sumsOf = (disk: string): DiskSums => diskSumsOf(sums, stored, disk);
  const total = jobs.reduce((sum, { disk, size }) => sum + sumsOf(disk).count * chunkBytesOf(size), 0);
  let written = 0;
  const report = oncePerSecond(() =>
    progress(
      `${Math.floor(written / MB)} of ${Math.ceil(total / MB)} MB restored`,
      Math.min(100, Math.floor((written / total) * 100)),
    ),
  );
  const onWritten = (bytes: number): void => {
    written += bytes;
    report();
  };
  for (const job of jobs) await restoreDisk(deps, stored, job, sumsOf(job.disk), signal, onWritten);
  if (request.files)
    await readFiles(repository, stored, sums.files, signal, (name, content) =>
      restoreFile(request.target.filesDir, name, content),
    );
};

/** `Backup.Restore`: writes disks of a backup, and compares all of it with what was backed up. */
export const restoreBackup =
  (deps: BackupDeps) =>
  async (
    request: RestoreBackupRequest,
    call: Pick<CallContext, 'signal' | 'progress'>,
  ): Promise<BackupResponse> => {
    const { repository, catalog } = deps;
    await repository.ensure(call.signal);
    const stored = await catalog.get(request.backup, call.signal);
    const jobs = plan(stored, request);
    try {
      await restoreAll(deps, request, stored, jobs, call);
    } catch (error) {
      await recordDamage(deps, request.backup, error);
      throw error;
    }
    return { backup: stored.backup };
  };
