import type { Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import type { FreezeTimeouts } from '../../shared/guest-agent/freeze.js';
import type { Retries } from '../../shared/retries.js';
import type { DiskStore } from '../disk-store.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import type { BackupRoots } from './paths.js';
import type { Servers } from './servers.js';

/** The collaborators that the backup methods share. */
export interface BackupDeps extends BackupRoots {
  store: DiskStore;
  locks: Locks;
  log: Logger;
  servers: Servers;
  retries: Retries;
  /** What the recovery of an interrupted snapshot operation needs. */
  snapshots: SnapshotDeps;
  /** How long a scratch file may become, in bytes. */
  scratchBytes: number;
  freezeTimeouts?: FreezeTimeouts | undefined;
}
