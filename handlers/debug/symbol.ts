import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** Tells a pprof reader that there is nothing to look up: our profiles name their functions themselves. */
export const getSymbol = async (_event: Event, _context: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'num_symbols: 0\n',
});
