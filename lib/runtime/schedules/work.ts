import type { Schedule, ScheduleAction } from '../../model/schedule.js';
import type { ScheduledWork } from './scheduled-work.js';
import { snapshotWork } from './snapshot-work.js';

/** What the schedules of each action do. */
const WORK: Record<ScheduleAction, ScheduledWork> = {
  snapshot: snapshotWork,
};

export const workOf = ({ action }: Schedule): ScheduledWork => WORK[action];
