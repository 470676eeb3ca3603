import type { Job } from '../../../lib/model/job.js';
import type { JobsQuery } from '../../jobs/list.js';
import { ok } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

/** The guest's own jobs, newest first; those of a deleted guest can still be read. */
export const listGuestJobs = async (
  { params, query }: Event<GuestParams, JobsQuery>,
  { guests, jobs }: Context,
): Promise<Reply<Job[]>> => {
  const found = jobs.list({ guestId: params.guestID, ...query });
  if (found.length === 0) guests.get(params.guestID);
  return ok(found);
};
