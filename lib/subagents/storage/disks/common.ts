import type { Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import type { Disk } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { noSuchImage } from '../../shared/errors.js';
import type { BackupDeps } from '../backups/deps.js';
import type { DiskStore } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import type { Contents } from '../images/contents.js';
import type { PendingImports } from '../import/pending-imports.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import type { Journal } from '../snapshots/journal.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';

export interface DiskDeps {
  store: DiskStore;
  contents: Contents;
  locks: Locks;
  journal: Journal;
  log: Logger;
  /** Directory of the running guests' sockets: `MISTIFY_RUN_DIR`. */
  runDir: string;
  /** The guests whose disks were imported, and which were never created. */
  imports: PendingImports;
  backups: Pick<BackupDeps, 'store' | 'servers' | 'backupDir' | 'runDir'>;
  /** What the recovery of an interrupted snapshot operation needs. */
  snapshots: SnapshotDeps;
}

export type GuestMethod = (request: GuestRequest, call: Pick<CallContext, 'job'>) => Promise<GuestResponse>;

export const toDisk = ({ bus, device, size, volume, image, source }: StoredDisk): Disk => ({
  bus,
  device,
  size,
  volume,
  image,
  source,
});

export const imagesOf = (wanted: DiskDefinition[]): string[] => [
  ...new Set(wanted.map(({ image }) => image).filter((image) => image !== '')),
];

/** @throws when the store lacks the image of a disk, or cannot read it */
export const requireImages = async (store: DiskStore, wanted: DiskDefinition[]): Promise<void> => {
  for (const id of imagesOf(wanted)) {
    const image = await store.findImage(id);
    if (!image) throw noSuchImage(id);
    requireReadable(image);
  }
};
