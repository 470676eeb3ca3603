import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** Returns the agent's and the guests' counters in Prometheus' text format. */
export const getMetrics = async (_event: Event, { metrics }: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': metrics.contentType },
  body: await metrics.text(),
});
