import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { Job } from '../../../lib/model/job.js';
import type { JobParams } from '../../jobs/get.js';
import { ok } from '../../replies.js';

export type GuestJobParams = GuestParams & JobParams;

export const getGuestJob = async (
  { params }: Event<GuestJobParams>,
  { jobs }: Context,
): Promise<Reply<Job>> => ok(jobs.get(params.jobID, params.guestID));
