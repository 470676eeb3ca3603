import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { GuestMetrics } from '../../lib/model/metrics.js';

export interface GuestMetricsQuery {
  /** Ids; all guests when absent. */
  guest?: string[];
}

/** Returns the counters of all guests or of the selected ones. Guests without counters are left out. */
export const getGuestsMetrics = async (
  { query: { guest: selected } }: Event<unknown, GuestMetricsQuery>,
  { metrics }: Context,
): Promise<Reply<GuestMetrics[]>> => {
  const all = await metrics.guests();
  return { status: 200, body: selected ? all.filter(({ guest }) => selected.includes(guest)) : all };
};
