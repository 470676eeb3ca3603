import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { GuestMetrics } from '../../lib/model/metrics.js';

export interface GuestMetricsQuery {
  guest?: string[];
}

/** The counters of all guests, or of those that are asked for. Guests that have none are left out. */
export const getGuestsMetrics = async (
  { query: { guest: wanted } }: Event<unknown, GuestMetricsQuery>,
  { metrics }: Context,
): Promise<Reply<GuestMetrics[]>> => {
  const all = await metrics.guests();
  return { status: 200, body: wanted ? all.filter(({ guest }) => wanted.includes(guest)) : all };
};
