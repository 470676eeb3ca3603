import type { Context, Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { Job } from '../../../lib/model/job.js';
import type { JobParams } from '../../jobs/get.js';
import { ok } from '../../replies.js';

export const getGuestJob = async (
  { params }: Event<GuestParams & JobParams>,
  { jobs }: Context,
): Promise<Reply<Job>> => ok(jobs.get(params.jobID, params.guestID));
