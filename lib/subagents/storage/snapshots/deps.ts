import type { Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import type { FreezeTimeouts } from '../../shared/guest-agent/freeze.js';
import type { Retries } from '../../shared/retries.js';
import type { DiskStore } from '../disk-store.js';
import type { SnapshotsInUse } from './in-use.js';
import type { Journal } from './journal.js';

/** The collaborators that the snapshot methods share. */
export interface SnapshotDeps {
  store: DiskStore;
  locks: Locks;
  inUse: SnapshotsInUse;
  journal: Journal;
  retries: Retries;
  /** Directory of the running guests' sockets: `MISTIFY_RUN_DIR`. */
  runDir: string;
  log: Logger;
  freezeTimeouts?: FreezeTimeouts | undefined;
}
