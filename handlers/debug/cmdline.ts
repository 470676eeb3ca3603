import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';

/** Serves the agent's command line. A NUL separates the arguments, as in /proc/PID/cmdline (proc(5)). */
export const getCmdline = async (_event: Event, _context: Context): Promise<Reply<string>> => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: process.argv.join('\0'),
});
