import type { Locks } from '../../async/keyed-locks.js';
import type { Catalog } from './catalog.js';
import type { GuestStates } from './guest-state.js';
import type { KnownDamage } from './known-damage.js';
import type { BackupRecords } from './records.js';
import type { Repository } from './restic/repository.js';
import type { Runs } from './runs.js';
import type { Sweeper } from './sweeper.js';

/** What the methods share. */
export interface BackupDeps {
  /** The directory of the sub-agent's own state. */
  dir: string;
  repository: Repository;
  catalog: Catalog;
  states: GuestStates;
  runs: Runs;
  records: BackupRecords;
  damage: KnownDamage;
  sweeper: Sweeper;
  locks: Locks;
  /** The name of this host. */
  host: string;
  /** The most bytes of chunks that a backup keeps on this host at a time. */
  maxScratchBytes: number;
}
