import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** The agent's and the guests' counters, as Prometheus reads them. */
export const getMetrics = async (_event: Event, { metrics }: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': metrics.contentType },
  body: await metrics.text(),
});
