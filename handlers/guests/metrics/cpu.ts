import type { CpuMetrics } from '../../../lib/model/metrics.js';
import { queryMetrics } from '../../../lib/runtime/guest-actions.js';
import { answered } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

export const getCpuMetrics = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<CpuMetrics[]>> =>
  answered(await queryMetrics(runtime, guests.get(params.guestID), 'cpu', signal));
