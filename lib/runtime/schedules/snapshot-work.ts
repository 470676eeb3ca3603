import { AgentError, errorMessage } from '../../errors.js';
import type { Guest } from '../../model/guest.js';
import type { IdempotentRequest } from '../../model/idempotent-request.js';
import { parseSnapshotId, type Snapshot } from '../../model/snapshot.js';
import type { MadeByRun } from '../../store/schedule-store.js';
import {
  querySnapshots,
  submitSnapshotCreation,
  submitSnapshotDeletion,
} from '../actions/snapshot-actions.js';
import type { Submission } from '../jobs/submission.js';
import type { Runtime } from '../runtime.js';
import type { ScheduledWork, WorkContext } from './scheduled-work.js';

/** Follows a job to its end. */
const ended = async <T>(submission: Submission<T>, onJob: (job: string) => Promise<void>): Promise<T> => {
  if (!submission.job) return submission.pending;
  await onJob(submission.job.ID);
  return submission.done;
};

/** Submits something once, also when an earlier process of the agent has submitted it. */
const once = async <T>(
  { runtime, requestOf, onJob }: WorkContext,
  what: string,
  submit: (request: IdempotentRequest) => Promise<Submission<T>>,
): Promise<T> => {
  const request = requestOf(what);
  return ended(await runtime.requests.once(request, () => submit(request)), onJob);
};

/** Returns when a guest's snapshots were taken, by their names; nothing where its sub-agent does not say. */
const creationTimes = (snapshots: readonly Snapshot[]): Map<string, string | undefined> =>
  new Map(snapshots.map(({ id, created }) => [parseSnapshotId(id)?.name ?? '', created]));

const timesOf = async (runtime: Runtime, guest: Guest): Promise<Map<string, string | undefined>> =>
  creationTimes((await querySnapshots(runtime, { guest })).result);

const madeOf = (name: string, due: string, created: string | undefined): MadeByRun => ({
  name,
  due,
  ...(created === undefined ? {} : { created }),
});

/** Takes snapshots of all disks of a guest. */
export const snapshotWork: ScheduledWork = {
  action: 'createSnapshot',

  nameOf: (schedule, due) => `auto-${schedule.name}-${due}`,

  make: async (context, { name, due }) => {
    const { runtime, schedule, guest, requestOf, isResumed } = context;
    // The job log may have forgotten a job whose end was not noted here.
    if (isResumed && !runtime.jobs.findByKey(requestOf(name).key)) {
      const times = await timesOf(runtime, guest);
      if (times.has(name)) return madeOf(name, due, times.get(name));
    }
    const description = `made by schedule ${schedule.name}`;
    const snapshots = await once(context, name, (request) =>
      submitSnapshotCreation(runtime, { guest }, { dest: name, description }, { request, cause: 'schedule' }),
    );
    return madeOf(name, due, creationTimes(snapshots).get(name));
  },

  present: async ({ runtime, guest }, made) => {
    const times = await timesOf(runtime, guest);
    return made.filter(({ name, created }) => times.has(name) && times.get(name) === created);
  },

  remove: async (context, { name }) => {
    const { runtime, guest } = context;
    try {
      await once(context, `delete ${name}`, (request) =>
        submitSnapshotDeletion(runtime, { guest, name }, { request, cause: 'schedule' }),
      );
    } catch (error) {
      if (error instanceof AgentError && error.kind === 'not_found') return;
      throw new Error(`${name} not deleted: ${errorMessage(error)}`, { cause: error });
    }
  },
};
