import type { Context } from '../../lib/agent/context.js';
import { jobNotFound } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { ok } from '../replies.js';
import { jobFilter } from '../rights.js';

export interface JobParams {
  jobID: string;
}

export const getJob = async (event: Event<JobParams>, context: Context): Promise<Reply<Job>> => {
  const job = context.jobs.get(event.params.jobID);
  if (!(jobFilter(event, context)?.(job) ?? true)) throw jobNotFound(job.ID);
  return ok(job);
};
