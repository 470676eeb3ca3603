import { exportGuest } from '../handlers/guests/export.js';
import { importGuest } from '../handlers/guests/import.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { exportQuery, importQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

/** Guests as files. */
export const transferRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/export',
    operationId: 'exportGuest',
    summary: 'Export a virtual machine to one file',
    can: 'content',
    tags: ['guests'],
    params: guestParams,
    query: exportQuery,
    callsSubAgent: true,
    reply: { status: 200, description: 'The file', type: 'application/octet-stream' },
    handler: exportGuest,
  }),
  route({
    method: 'POST',
    path: '/guests/import',
    operationId: 'importGuest',
    summary: 'Import a virtual machine from a file: an export of an agent, or an OVA',
    can: 'change',
    over: 'some',
    tags: ['guests'],
    query: importQuery,
    payload: 'upload',
    callsSubAgent: true,
    reply: {
      status: 202,
      description: 'The file was received, and the job that creates the guest was queued',
      schema: replies.guest,
    },
    handler: importGuest,
  }),
];
