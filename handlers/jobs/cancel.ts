import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import type { Job } from '../../lib/model/job.js';
import { cancelByClient } from '../../lib/runtime/actions/cancel-job.js';
import { ok } from '../replies.js';
import { requireCancellable } from '../rights.js';
import type { JobParams } from './get.js';

/** Cancels a job: a queued one never runs, and a running one's call to its sub-agent is aborted. */
export const cancelJob = async (
  event: Event<JobParams, DryRunQuery>,
  context: Context,
): Promise<Reply<Job>> => {
  const { params, query } = event;
  const { runtime } = context;
  requireCancellable(event, context, params.jobID);
  return ok(
    query.dryRun
      ? runtime.queue.requireUnfinished(params.jobID)
      : await cancelByClient(runtime, params.jobID),
  );
};
