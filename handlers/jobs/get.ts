import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { ok } from '../replies.js';

export interface JobParams {
  jobID: string;
}

export const getJob = async ({ params }: Event<JobParams>, { jobs }: Context): Promise<Reply<Job>> =>
  ok(jobs.get(params.jobID));
