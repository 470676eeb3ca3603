import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { CpuMetrics } from '../../../lib/model/metrics.js';
import { queryMetrics } from '../../../lib/runtime/actions/guest-actions.js';
import { actionResult } from '../../replies.js';

export const getCpuMetrics = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<CpuMetrics[]>> =>
  actionResult(await queryMetrics(runtime, guests.get(params.guestID), 'cpu', signal));
