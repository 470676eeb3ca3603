import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Locks } from '../../async/keyed-locks.js';
import { errorMessage } from '../../errors.js';
import { createGuard } from '../../http/guard.js';
import { Reachable } from '../../http/reachable.js';
import type { Logger } from '../../log.js';
import { MB } from '../../model/units.js';
import { exportRequestSchema } from '../../rpc/protocol/export-messages.js';
import { guestRequestSchema } from '../../rpc/protocol/guest-messages.js';
import { imageRequestSchema } from '../../rpc/protocol/image-messages.js';
import { discardRequestSchema, importRequestSchema } from '../../rpc/protocol/import-messages.js';
import { snapshotRequestSchema } from '../../rpc/protocol/snapshot-messages.js';
import { storageSpaceRequestSchema } from '../../rpc/protocol/space-messages.js';
import { Problems } from '../../rpc/server/problems.js';
import { Programs } from '../../rpc/server/programs.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { Space } from '../shared/disk/space.js';
import type { FreezeTimeouts } from '../shared/guest-agent/freeze.js';
import { HostRegistry } from '../shared/host/registry.js';
import { Retries } from '../shared/retries.js';
import type { Running } from '../shared/run.js';
import { addBackups, recoverBackups } from './backups/methods.js';
import { Servers } from './backups/servers.js';
import { cloneMethods } from './clones/methods.js';
import type { DiskStore } from './disk-store.js';
import { diskMethods } from './disks/methods.js';
import { diskUseMethod } from './disks/use.js';
import { exportGuest } from './export/export.js';
import { Moments } from './export/moments.js';
import { Contents } from './images/contents.js';
import { ImageFetcher } from './images/fetcher.js';
import { findMediaMethod } from './images/media.js';
import { imageMethods } from './images/methods.js';
import { Sums } from './images/sums.js';
import { addTransfers } from './images/upload-methods.js';
import { Uploads } from './images/uploads.js';
import { importGuest } from './import/import.js';
import { adoptImport, discardImport } from './import/methods.js';
import { PendingImports } from './import/pending-imports.js';
import { backupsDir, journalDir, requireKnownFiles } from './known-files.js';
import { qcow2Store } from './qcow2/store.js';
import { qemuImg } from './qemu-img.js';
import { downloadSnapshot } from './snapshots/download.js';
import { SnapshotsInUse } from './snapshots/in-use.js';
import { Journal } from './snapshots/journal.js';
import { snapshotMethods } from './snapshots/methods.js';
import { recoverAll } from './snapshots/recover.js';
import { spaceMethod } from './space.js';
import { watchRoom } from './watch-room.js';
import { zfsVersion } from './zfs/command.js';
import { zfsStore } from './zfs/store.js';

/** How soon a snapshot operation that could not be recovered is retried, and how long the pauses get. */
const FIRST_RECOVERY_MS = 1000;
const MAX_RECOVERY_MS = 10_000;

/** How much a running guest may overwrite by default, in MB. */
export const DEFAULT_SCRATCH_MB = 2048;

/** The ways to store images and disks. */
export const BACKENDS = ['qcow2', 'zfs'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface StorageOptions {
  /** Directory for images and disks; with the back end `zfs`, only for sums, journal and imports. */
  dir: string;
  backend?: Backend;
  /** The pool, or a dataset in one, of the back end `zfs`. */
  pool?: string;
  /** Where the devices of ZFS volumes appear; for tests. */
  zvolDir?: string;
  /** The directory of what the agents of this host have claimed. */
  hostDir: string;
  /** Directory of the running guests' sockets, which holds one directory per guest. */
  runDir: string;
  /** Directories of files that may be fetched as images; by default `import` in `dir`. */
  importDir?: string[];
  /** Base URL of the server that has images by id, for requests without a source. */
  imageServer?: string;
  /** Addresses and networks off the Internet that a source may have. */
  privateAddress?: string[];
  /** How much of a disk a running guest may overwrite while it is backed up, in MB. */
  backupScratch?: number;
  /** How often to look for the room of the storage; for tests. */
  roomIntervalMs?: number;
  /** How long to wait for a guest agent; for tests. */
  freezeTimeouts?: FreezeTimeouts;
}

const openStore = (
  { backend, pool, zvolDir, dir }: StorageOptions,
  registry: HostRegistry,
  log: Logger,
): Promise<DiskStore> => {
  if (backend !== 'zfs') return qcow2Store(dir, log);
  if (!pool) throw new Error('the back end zfs needs a pool: name it with --pool');
  return zfsStore({ pool, zvolDir, registry, log });
};

/** QEMU's own sub-agent tells the version of qemu-img. */
const programsOf = ({ backend }: StorageOptions): Programs => {
  const programs = new Programs();
  if (backend === 'zfs')
    void zfsVersion().then((version) => version && programs.replace([{ name: 'ZFS', version }]));
  return programs;
};

const checkStore = async (store: DiskStore): Promise<string | undefined> => {
  try {
    await qemuImg(['--version']);
    await store.check();
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
};

const importDirs = async ({ dir, importDir }: StorageOptions): Promise<string[]> => {
  if (importDir?.length) return importDir;
  const path = join(dir, 'import');
  await mkdir(path, { recursive: true, mode: 0o700 });
  return [path];
};

/** Opens the store and registers the methods of `ImageStore` on a sub-agent that does not listen yet. */
export const startStorage = async (options: StorageOptions, log: Logger): Promise<Running> => {
  const registry = await HostRegistry.open(options.hostDir, 'storage', options.dir, () =>
    requireKnownFiles(options.dir),
  );
  const store = await openStore(options, registry, log).catch(async (error: unknown) => {
    await registry.close();
    throw error;
  });
  const locks = new Locks();
  const sums = new Sums(join(options.dir, 'sums'));
  const imageIds = (await store.listImages()).map(({ id }) => id);
  await sums.open(imageIds);
  const contents = new Contents(join(options.dir, 'contents'), store, log);
  await contents.open(imageIds);
  const stopping = new AbortController();
  const learned = contents.learnAll(imageIds, stopping.signal);
  const space = new Space(store.workDir);
  const uploads = new Uploads({ dir: store.uploadDir, space, log });
  await uploads.open();
  const fetcher = new ImageFetcher({
    store,
    space,
    locks,
    sums,
    log,
    importDirs: [...(await importDirs(options)), uploads.dir],
    imageServer: options.imageServer,
    guard: createGuard({
      reachable: new Reachable(options.privateAddress),
      trusted: options.imageServer ? [options.imageServer] : [],
    }),
  });
  const { runDir, freezeTimeouts } = options;
  const journal = new Journal(journalDir(options.dir));
  await journal.open();
  const retries = new Retries(FIRST_RECOVERY_MS, MAX_RECOVERY_MS);
  const inUse = new SnapshotsInUse();
  const snapshots = { store, locks, inUse, journal, retries, runDir, log, freezeTimeouts };
  const backups = {
    ...{ store, locks, runDir, log, freezeTimeouts, snapshots },
    backupDir: backupsDir(options.dir),
    scratchBytes: (options.backupScratch ?? DEFAULT_SCRATCH_MB) * MB,
    servers: new Servers(),
    retries: new Retries(FIRST_RECOVERY_MS, MAX_RECOVERY_MS),
  };
  // First: a snapshot of a guest cannot be recovered while its disks are open for a backup.
  await recoverBackups(backups);
  await recoverAll(snapshots);

  const moments = new Moments(snapshots, join(options.dir, 'exports'));
  await moments.open();

  const imports = new PendingImports({ store, locks, dir: join(options.dir, 'imports'), log });
  await imports.open();
  const importDeps = { store, locks, space, pending: imports };

  const problems = new Problems();
  const unwatch = await watchRoom(store, problems, log, options.roomIntervalMs);
  const subAgent = new SubAgent({
    ...{ name: 'storage', log, problems, programs: programsOf(options) },
    check: () => checkStore(store),
  });
  const guests = { snapshots, moments, contents };
  for (const [name, method] of Object.entries(
    imageMethods({ store, locks, fetcher, sums, contents, uploads, guests }),
  ))
    subAgent.method(`ImageStore.${name}`, imageRequestSchema, method);
  const diskDeps = { store, locks, journal, contents, log, runDir, snapshots, backups, imports };
  for (const [name, method] of Object.entries(diskMethods(diskDeps)))
    subAgent.method(`ImageStore.${name}`, guestRequestSchema, method);
  for (const [name, method] of Object.entries(cloneMethods({ ...guests, space })))
    subAgent.method(`ImageStore.${name}`, guestRequestSchema, method);
  for (const [name, method] of Object.entries(snapshotMethods(snapshots)))
    subAgent.method(`ImageStore.${name}`, snapshotRequestSchema, method);
  addBackups(subAgent, backups);
  subAgent.method('ImageStore.FindMedia', guestRequestSchema, findMediaMethod({ store, contents }));
  subAgent.method('ImageStore.DiskUse', guestRequestSchema, diskUseMethod(store));
  subAgent.method('ImageStore.Space', storageSpaceRequestSchema, spaceMethod(store));
  subAgent.stream('/snapshots/download', snapshotRequestSchema, downloadSnapshot(snapshots));
  subAgent.upload('/guests/import', importRequestSchema, importGuest(importDeps));
  subAgent.method('ImageStore.AdoptImport', guestRequestSchema, adoptImport(importDeps));
  subAgent.method('ImageStore.DiscardImport', discardRequestSchema, discardImport(importDeps));
  subAgent.stream('/guests/export', exportRequestSchema, exportGuest({ snapshots, moments, space }));
  addTransfers(subAgent, { store, uploads });
  const close = async (): Promise<void> => {
    unwatch();
    uploads.close();
    retries.close();
    backups.retries.close();
    await backups.servers.close();
    imports.close();
    await fetcher.close();
    stopping.abort();
    await learned;
    await registry.close();
  };
  return { subAgent, close };
};
