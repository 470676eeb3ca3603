import type { EventLog } from '../events/event-log.js';
import { ACTION_SPECS } from '../model/actions.js';
import { withoutSecretEnv } from '../model/container/secret-env.js';
import type { EventBody } from '../model/event.js';
import { isFinished, type Job } from '../model/job.js';
import type { ScheduleChange } from '../runtime/schedules/schedule-clock.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';
import type { LoggedJob } from '../store/logged-job.js';

const changeOf = (job: Job): 'queued' | 'changed' | 'ended' => {
  if (isFinished(job)) return 'ended';
  return job.Status === 'Queued' ? 'queued' : 'changed';
};

const jobEvent = ({ job, stage, percent }: LoggedJob): EventBody => ({
  kind: 'job',
  change: changeOf(job),
  id: job.ID,
  stage,
  ...(percent === undefined ? {} : { percent }),
  job,
});

/** Images live in the sub-agents, so their events come from the jobs that change them. */
const imageEvent = ({ job, task }: LoggedJob): EventBody | undefined => {
  const change = ACTION_SPECS.get(job.Action)?.imageChange;
  if (!change || task.kind !== 'image' || job.Status !== 'Complete') return undefined;
  return { kind: 'image', change, id: task.request.id, type: task.request.type };
};

/** Volumes live in a container engine: these are the changes by jobs of this agent. */
const volumeEvent = ({ job, task }: LoggedJob): EventBody | undefined => {
  const change = ACTION_SPECS.get(job.Action)?.volumeChange;
  if (!change || job.Status !== 'Complete') return undefined;
  if (task.kind === 'volumeBackup') return { kind: 'volume', change, id: task.volume };
  return task.kind === 'volume' ? { kind: 'volume', change, id: task.request.name } : undefined;
};

/** Backups live in the repository, which other hosts may share: these are the changes by jobs of this agent. */
const backupEvent = ({ job, task }: LoggedJob): EventBody | undefined => {
  const change = ACTION_SPECS.get(job.Action)?.backupChange;
  if (!change || task.kind !== 'backup' || task.backup === undefined || job.Status !== 'Complete')
    return undefined;
  return { kind: 'backup', change, id: task.backup, guest: task.guest };
};

/** Describes a change of a schedule, or what came of a run. */
export const scheduleEvent = (change: ScheduleChange): EventBody => ({
  kind: 'schedule',
  id: change.schedule.id,
  ...change,
});

/** Publishes an event for each change of a guest, a job, an image, a volume or a backup. */
export const publishChanges = (events: EventLog, guests: GuestStore, jobs: JobLog): void => {
  // No reader of an event may see the secret environment, so it is not in the event log either.
  guests.onChange((change, guest) =>
    events.publish({ kind: 'guest', change, id: guest.id, guest: withoutSecretEnv(guest) }),
  );
  jobs.onChange((logged) => {
    events.publish(jobEvent(logged));
    for (const event of [imageEvent(logged), volumeEvent(logged), backupEvent(logged)])
      if (event) events.publish(event);
  });
};
