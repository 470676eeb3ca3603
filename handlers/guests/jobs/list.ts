import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, ListQuery, Reply } from '../../../lib/model/endpoint.js';
import type { Job } from '../../../lib/model/job.js';
import { page, placeOf } from '../../pages.js';

/** The guest's own jobs, newest first; those of a deleted guest can still be read. */
export const listGuestJobs = async (
  { params: { guestID }, query }: Event<GuestParams, ListQuery>,
  { guests, jobs }: Context,
): Promise<Reply<Job[]>> => {
  if (!jobs.knows(guestID)) guests.get(guestID);
  return page(jobs.page({ guestId: guestID, before: placeOf(query), limit: query.limit }), query);
};
