import type { Job } from '../../lib/model/job.js';
import { ok } from '../replies.js';
import type { Context, Event, Reply } from '../types.js';

export interface JobsQuery {
  limit?: number;
}

/** Newest first. */
export const listJobs = async (
  { query }: Event<unknown, JobsQuery>,
  { jobs }: Context,
): Promise<Reply<Job[]>> => ok(jobs.list(query));
