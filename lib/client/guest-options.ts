import type { ConditionalOptions, JobOptions } from './submit.js';
import type { CallOptions } from './transport.js';

/** Selects guests. */
export interface GuestsFilter {
  /** Tags, separated by commas: the guests that have at least one of them; all guests by default. */
  tag?: string | undefined;
}

/** Options of the counters of all guests. */
export interface GuestMetricsOptions extends CallOptions {
  /** The IDs of the guests to return, at most 100; all by default. */
  guests?: readonly string[] | undefined;
}

/** Options of the creation of a guest. */
export interface CreationOptions extends JobOptions {
  /** Whether the guest starts once it is there; true by default. */
  start?: boolean | undefined;
}

/** Options of an action. */
export interface ActionOptions extends JobOptions, ConditionalOptions {
  /** For shutdown, reboot, restart and start: the seconds that the guest gets to shut down, 60 by default. */
  timeout?: number | undefined;
  /** For the same actions: resets a guest that does not shut down in time, or cuts its power. */
  force?: boolean | undefined;
  /** For restart and start: the disk (`disk0`) or CD drive (`cd0`) to boot from this once. */
  boot?: string | undefined;
}

/** Options of a change of a CD drive. */
export interface CdromOptions extends JobOptions, ConditionalOptions {
  /** Opens the drive although the guest has locked it. */
  force?: boolean | undefined;
}

/** The virtual hardware to move a guest on to. */
export interface UpgradeOptions extends JobOptions, ConditionalOptions {
  /** A versioned machine type, such as `pc-q35-9.2`; without `cpuModel` the newest by default. */
  type?: string | undefined;
  /** The guest's own by default. */
  cpuModel?: string | undefined;
}

/** Options of the removal of a disk. */
export interface DiskRemovalOptions extends JobOptions, ConditionalOptions {
  /** Keeps the data in the store. */
  keep?: boolean | undefined;
  /** Removes even the disk from which a running guest has booted. */
  force?: boolean | undefined;
}
