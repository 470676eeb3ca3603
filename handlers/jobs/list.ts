import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { page, placeOf } from '../pages.js';

/** Newest first. */
export const listJobs = async (
  { query }: Event<unknown, ListQuery>,
  { jobs }: Context,
): Promise<Reply<Job[]>> => page(jobs.page({ before: placeOf(query), limit: query.limit }), query);
