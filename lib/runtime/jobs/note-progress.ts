import { textFor } from '../../model/redact-request.js';
import type { Progress } from '../../rpc/protocol/sub-agent-events.js';
import type { GuestStore } from '../../store/guest-store.js';
import type { JobLog } from '../../store/job-log.js';

interface Stores {
  guests: GuestStore;
  jobs: JobLog;
}

/** Stores the progress of a job, without the secrets of its guest or of its image's URLs. */
export const noteProgress = async (
  { guests, jobs }: Stores,
  { job, message, percent }: Progress,
): Promise<void> => {
  const logged = jobs.find(job);
  if (!logged) return;
  const guest = guests.find(logged.job.GuestID);
  const urls = logged.task.kind === 'image' ? logged.task.request : {};
  await jobs.setProgress(job, textFor({ ...urls, guest }, message), percent);
};
