import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { page, positionOf } from '../pages.js';

/** Lists jobs, newest first. */
export const listJobs = async (
  { query }: Event<unknown, ListQuery>,
  { jobs }: Context,
): Promise<Reply<Job[]>> => page(jobs.page({ before: positionOf(query), limit: query.limit }), query);
