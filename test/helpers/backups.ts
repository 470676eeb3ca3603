import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type {
  BackupSource,
  Outcome,
  RestoreTarget,
  SourceDisk,
  TargetDisk,
} from '../../lib/rpc/protocol/backup-disk-messages.js';
import type { StorageResult, TestStorage } from './storage.js';
import { GUEST_ID } from './sub-agents.js';

/** A backup whose disks are open. */
export interface OpenTestBackup {
  backup: string;
  source: BackupSource;
  close: (outcome?: Outcome) => Promise<StorageResult>;
}

/** Opens the disks of a guest for a backup, of the test guest by default. */
export const openTestBackup = async (
  { call }: Pick<TestStorage, 'call'>,
  backup: string = randomUUID(),
  guest: string = GUEST_ID,
): Promise<OpenTestBackup> => {
  const request = { guest: { id: guest }, action: 'createBackup', backup };
  const { source } = await call('OpenBackup', request);
  const close = (outcome: Outcome = 'succeeded'): Promise<StorageResult> =>
    call('CloseBackup', { ...request, outcome });
  return { backup, source, close };
};

/** Asks whether the disks of the test guest could be opened for a backup. */
export const checkTestBackup = ({ call }: Pick<TestStorage, 'call'>): Promise<StorageResult> =>
  call('CheckOpenBackup', { guest: { id: GUEST_ID }, action: 'createBackup', backup: randomUUID() });

const uriOf = (disk: Pick<SourceDisk, 'socket' | 'export'>): string =>
  `nbd+unix:///${disk.export}?socket=${disk.socket}`;

/** Reads all of a disk: nbdcopy(1). */
export const readWhole = async (dir: string, disk: SourceDisk): Promise<Buffer> => {
  const path = join(dir, `${randomUUID()}.raw`);
  await execa('nbdcopy', [uriOf(disk), path]);
  const content = await readFile(path);
  await rm(path);
  return content;
};

interface Extent {
  offset: number;
  length: number;
  type: number;
}

/** Lists what has changed of a disk since the backup before: nbdinfo(1). */
export const changedExtents = async (disk: SourceDisk): Promise<Extent[]> => {
  const { stdout } = await execa('nbdinfo', ['--json', `--map=${disk.bitmap}`, uriOf(disk)]);
  return (JSON.parse(stdout) as Extent[]).filter(({ type }) => type === 1);
};

/** Puts together the content of the backup before, and what a disk says has changed since. */
export const readIncrement = async (dir: string, disk: SourceDisk, before: Buffer): Promise<Buffer> => {
  const [content, extents] = [await readWhole(dir, disk), await changedExtents(disk)];
  const composed = Buffer.alloc(content.length);
  before.copy(composed);
  for (const { offset, length } of extents) content.copy(composed, offset, offset, offset + length);
  return composed;
};

/** Disks that are open for a restore. */
export interface OpenTestRestore {
  target: RestoreTarget;
  close: (outcome?: Outcome) => Promise<StorageResult>;
}

type Sizes = { disk: string; size: number }[];

const restoreRequest = () => ({
  guest: { id: GUEST_ID },
  action: 'restoreBackup',
  backup: randomUUID(),
});

/** Asks whether disks of the test guest could be opened for a restore. */
export const checkTestRestore = ({ call }: Pick<TestStorage, 'call'>, disks: Sizes): Promise<StorageResult> =>
  call('CheckOpenRestore', { ...restoreRequest(), restore: { disks, files: [] } });

/** Opens disks of the test guest for a restore. */
export const openTestRestore = async (
  { call }: Pick<TestStorage, 'call'>,
  disks: Sizes,
  files: string[] = [],
): Promise<OpenTestRestore> => {
  const request = restoreRequest();
  const restore = { disks, files: files.map((name) => ({ name })) };
  const { target } = await call('OpenRestore', { ...request, restore });
  const close = (outcome: Outcome = 'succeeded'): Promise<StorageResult> =>
    call('CloseRestore', { ...request, outcome });
  return { target, close };
};

/** Writes all of a disk, zeros included: nbdcopy(1). */
export const writeWhole = async (dir: string, disk: TargetDisk, content: Buffer): Promise<void> => {
  const path = join(dir, `${randomUUID()}.raw`);
  await writeFile(path, content);
  await execa('nbdcopy', ['--flush', path, uriOf(disk)]);
  await rm(path);
};
