import { BackupOwner } from './backup-owner.js';
import { compareBackups } from './backup-truth.js';
import { BACKUP_FAULTS } from './faults.js';
import type { Scenario } from './rounds.js';

/** Clients back guests up, and restore, verify and delete the backups. */
export const BACKUPS: Scenario<BackupOwner> = {
  makeClient: (world, totals) => new BackupOwner(world, totals),
  faults: BACKUP_FAULTS,
  // A sub-agent and restic take seconds to get to work.
  pauseMs: 6000,
  compare: compareBackups,
};
