import type { NicMetrics } from '../../../lib/model/metrics.js';
import { queryMetrics } from '../../../lib/runtime/guest-actions.js';
import { answered } from '../../replies.js';
import type { Context, Event, GuestParams, Reply } from '../../types.js';

export const getNicMetrics = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Record<string, NicMetrics>>> =>
  answered(await queryMetrics(runtime, guests.get(params.guestID), 'nic', signal));
