import { exportGuest } from '../handlers/guests/export.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { exportQuery } from './schemas/queries.js';

/** Guests as files. */
export const transferRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/export',
    operationId: 'exportGuest',
    summary: 'Export a virtual machine to one file',
    tags: ['guests'],
    params: guestParams,
    query: exportQuery,
    scope: 'export',
    callsSubAgent: true,
    reply: { status: 200, description: 'The file', type: 'application/octet-stream' },
    handler: exportGuest,
  }),
];
