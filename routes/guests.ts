import { createGuest } from '../handlers/guests/create.js';
import { deleteGuest } from '../handlers/guests/delete.js';
import { getGuest } from '../handlers/guests/get.js';
import { listGuests } from '../handlers/guests/list.js';
import { getGuestMetadata } from '../handlers/guests/metadata/get.js';
import { patchGuestMetadata } from '../handlers/guests/metadata/patch.js';
import { getCpuMetrics } from '../handlers/guests/metrics/cpu.js';
import { getDiskMetrics } from '../handlers/guests/metrics/disk.js';
import { getNicMetrics } from '../handlers/guests/metrics/nic.js';
import { type Route, route } from '../lib/server/route.js';
import {
  dryRunQuery,
  guestParams,
  guestPayload,
  guestsQuery,
  jobQuery,
  metadataPatchPayload,
  replies,
} from './schemas.js';

const metadata = { status: 200, description: "The guest's metadata", schema: replies.metadata } as const;

const metricsRoutes: Route[] = (
  [
    ['cpu', 'CPU', getCpuMetrics, replies.cpuMetrics],
    ['disk', 'disk', getDiskMetrics, replies.diskMetrics],
    ['nic', 'NIC', getNicMetrics, replies.nicMetrics],
  ] as const
).map(([type, what, handler, schema]) =>
  route({
    method: 'GET',
    path: `/guests/{guestID}/metrics/${type}`,
    summary: `Retrieve guest ${what} metrics`,
    tags: ['guests'],
    params: guestParams,
    asks: 'sub-agent',
    reply: { status: 200, description: `The guest's ${what} counters`, schema },
    handler,
  }),
);

export const guestRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/guests',
    summary: 'Retrieve a list of guests',
    tags: ['guests'],
    query: guestsQuery,
    reply: { status: 200, description: 'Guests', schema: replies.guests },
    handler: listGuests,
  }),
  route({
    method: 'POST',
    path: '/guests',
    summary: 'Create a new guest',
    tags: ['guests'],
    query: jobQuery,
    payload: guestPayload,
    reply: { status: 202, description: 'The job that creates it was queued', schema: replies.guest },
    handler: createGuest,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}',
    summary: 'Retrieve information about a guest',
    tags: ['guests'],
    params: guestParams,
    tagged: true,
    reply: { status: 200, description: 'The guest', schema: replies.guest },
    handler: getGuest,
  }),
  route({
    method: 'DELETE',
    path: '/guests/{guestID}',
    summary: 'Delete a guest',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    conditional: true,
    reply: { status: 202, description: 'The job that deletes it was queued', schema: replies.guest },
    handler: deleteGuest,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/metadata',
    summary: "Retrieve a guest's metadata",
    tags: ['guests'],
    params: guestParams,
    tagged: true,
    reply: metadata,
    handler: getGuestMetadata,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}/metadata',
    summary: "Modify a guest's metadata",
    tags: ['guests'],
    params: guestParams,
    query: dryRunQuery,
    payload: metadataPatchPayload,
    conditional: true,
    tagged: true,
    reply: metadata,
    handler: patchGuestMetadata,
  }),
  ...metricsRoutes,
];
