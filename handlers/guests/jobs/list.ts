import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, ListQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Job } from '../../../lib/model/job.js';
import { page, positionOf } from '../../pages.js';

/** Lists one guest's jobs, newest first, even after its deletion. */
export const listGuestJobs = async (
  { params: { guestID }, query }: Event<GuestParams, ListQuery>,
  { guests, jobs }: Context,
): Promise<Reply<Job[]>> => {
  if (!jobs.hasJobsOf(guestID)) guests.get(guestID);
  return page(jobs.page({ guestId: guestID, before: positionOf(query), limit: query.limit }), query);
};
