import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { cancelByClient } from '../../lib/runtime/actions/cancel-job.js';
import { ok } from '../replies.js';
import type { JobParams } from './get.js';

/** Cancels a job: a queued one never runs, and a running one's call to its sub-agent is aborted. */
export const cancelJob = async (
  { params, query: { dryRun } }: Event<JobParams, DryRunQuery>,
  { runtime }: Context,
): Promise<Reply<Job>> =>
  ok(dryRun ? runtime.queue.requireUnfinished(params.jobID) : await cancelByClient(runtime, params.jobID));
