import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { GuestMetrics } from '../../lib/model/metrics.js';
import { guestFilter } from '../rights.js';

export interface GuestMetricsQuery {
  /** Ids; all guests when absent. */
  guest?: string[];
}

/** Returns the counters of all guests or of the selected ones. Guests without counters are left out. */
export const getGuestsMetrics = async (
  event: Event<unknown, GuestMetricsQuery>,
  context: Context,
): Promise<Reply<GuestMetrics[]>> => {
  const { guest: selected } = event.query;
  const sees = guestFilter(event, context) ?? (() => true);
  const all = (await context.metrics.guests()).filter(({ guest }) => sees(guest));
  return { status: 200, body: selected ? all.filter(({ guest }) => selected.includes(guest)) : all };
};
