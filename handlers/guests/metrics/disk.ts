import type { Context } from '../../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../../lib/model/endpoint.js';
import type { DiskMetrics } from '../../../lib/model/metrics.js';
import { queryMetrics } from '../../../lib/runtime/actions/guest-actions.js';
import { actionResult } from '../../replies.js';

export const getDiskMetrics = async (
  { params, signal }: Event<GuestParams>,
  { guests, runtime }: Context,
): Promise<Reply<Record<string, DiskMetrics>>> =>
  actionResult(await queryMetrics(runtime, guests.get(params.guestID), 'disk', signal));
