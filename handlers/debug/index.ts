import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { PROFILES } from '../../lib/process/profiler.js';

/** Serves a page that lists the profiles. */
export const listProfiles = async (_event: Event, _context: Context): Promise<Reply<string>> => {
  const rows = Object.entries(PROFILES).map(
    ([name, description]) => `<li><a href="/debug/pprof/${name}">${name}</a>: ${description}</li>`,
  );
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: `<!doctype html><title>Profiles</title><h1>Profiles</h1><ul>${rows.join('')}</ul>\n`,
  };
};
