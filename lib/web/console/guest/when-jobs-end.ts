import { ACTION_SPECS, type TaskKind } from '../../../model/actions.js';
import { isFinished } from '../../../model/job.js';
import { store } from '../store.js';

/** Returns a function that runs `act` the first time, and then each time that a job of that kind has ended. */
export const whenJobsEnd = (guestId: string, tasks: readonly TaskKind[], act: () => void): (() => void) => {
  let known = -1;
  return () => {
    const ended = store.jobList(guestId).filter(({ job }) => {
      const task = ACTION_SPECS.get(job.Action)?.task;
      return task !== undefined && tasks.includes(task) && isFinished(job);
    }).length;
    if (ended !== known) act();
    known = ended;
  };
};
