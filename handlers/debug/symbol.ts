import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** Tells a pprof reader that it has no symbols to look up: these profiles name their functions. */
export const getSymbol = async (_event: Event, _context: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'num_symbols: 0\n',
});
