import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { page, positionOf } from '../pages.js';
import { jobFilter } from '../rights.js';

/** Lists jobs, newest first. */
export const listJobs = async (event: Event<unknown, ListQuery>, context: Context): Promise<Reply<Job[]>> => {
  const { query } = event;
  const where = jobFilter(event, context);
  return page(context.jobs.page({ before: positionOf(query), limit: query.limit, where }), query);
};
