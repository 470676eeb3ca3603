import type { EventLog } from '../events/event-log.js';
import type { Happening } from '../model/event.js';
import { isFinished } from '../model/job.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';
import type { LoggedJob } from '../store/logged-job.js';

const percentOf = ({ job: { Message, Status } }: LoggedJob): { percent?: number } => {
  const [, percent] = Status === 'Running' ? (/(\d{1,3}) ?%/.exec(Message) ?? []) : [];
  return percent === undefined ? {} : { percent: Number(percent) };
};

const changeOf = ({ job }: LoggedJob): 'queued' | 'changed' | 'ended' => {
  if (isFinished(job)) return 'ended';
  return job.Status === 'Queued' ? 'queued' : 'changed';
};

const ofJob = (logged: LoggedJob): Happening => ({
  kind: 'job',
  change: changeOf(logged),
  id: logged.job.ID,
  stage: logged.stage,
  ...percentOf(logged),
  job: logged.job,
});

/** Images are the sub-agents': what is known of them here is what jobs have done. */
const ofImage = ({ job, task }: LoggedJob): Happening | undefined => {
  if (task.kind !== 'image' || job.Status !== 'Complete') return undefined;
  const change = /delete/i.test(job.Action) ? 'deleted' : 'fetched';
  return { kind: 'image', change, id: task.request.id, type: task.request.type };
};

/** Makes events of what changes in the agent's state. */
export const publishChanges = (events: EventLog, guests: GuestStore, jobs: JobLog): void => {
  guests.onChange((change, guest) => events.publish({ kind: 'guest', change, id: guest.id, guest }));
  jobs.onChange((logged) => {
    events.publish(ofJob(logged));
    const image = ofImage(logged);
    if (image) events.publish(image);
  });
};
