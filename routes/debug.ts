import { getCmdline } from '../handlers/debug/cmdline.js';
import { listProfiles } from '../handlers/debug/index.js';
import { getProfile } from '../handlers/debug/profile.js';
import { getSymbol } from '../handlers/debug/symbol.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { profileParams } from './schemas/params.js';
import { profileQuery } from './schemas/queries.js';

export const debugRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/debug/pprof',
    operationId: 'listProfiles',
    summary: 'List the profiles',
    can: 'admin',
    tags: ['debug'],
    reply: { status: 200, description: 'HTML', type: 'text/html' },
    handler: listProfiles,
  }),
  route({
    method: 'GET',
    path: '/debug/pprof/{profile}',
    operationId: 'getProfile',
    summary: 'Profile the CPU or the live heap of the agent',
    can: 'admin',
    tags: ['debug'],
    params: profileParams,
    query: profileQuery,
    reply: {
      status: 200,
      description: 'A profile in the format of `go tool pprof`',
      type: 'application/octet-stream',
    },
    handler: getProfile,
  }),
  route({
    method: 'GET',
    path: '/debug/pprof/cmdline',
    operationId: 'getCmdline',
    summary: "The agent's command line",
    can: 'admin',
    tags: ['debug'],
    reply: { status: 200, description: 'Arguments separated by NUL', type: 'text/plain' },
    handler: getCmdline,
  }),
  route({
    method: 'GET',
    path: '/debug/pprof/symbol',
    operationId: 'getSymbol',
    summary: 'Symbol lookup for pprof readers',
    can: 'admin',
    tags: ['debug'],
    reply: { status: 200, description: 'The number of symbols to look up: 0', type: 'text/plain' },
    handler: getSymbol,
  }),
];
