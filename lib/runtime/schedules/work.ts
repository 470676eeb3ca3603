import type { Schedule, ScheduleAction } from '../../model/schedule.js';
import { backupWork } from './backup-work.js';
import type { ScheduledWork } from './scheduled-work.js';
import { snapshotWork } from './snapshot-work.js';
import { verifyWork } from './verify-work.js';

/** What the schedules of each action do. */
const WORK: Record<ScheduleAction, ScheduledWork> = {
  snapshot: snapshotWork,
  backup: backupWork,
  verify: verifyWork,
};

export const workOf = ({ action }: Schedule): ScheduledWork => WORK[action];
