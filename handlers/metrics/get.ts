import type { Context, Event, Reply } from '../../lib/model/endpoint.js';

/** The agent's and the guests' counters, as Prometheus reads them. */
export const getMetrics = async (_event: Event, { metrics }: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': metrics.contentType },
  body: await metrics.text(),
});
