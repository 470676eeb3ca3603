import { changeCdrom } from '../handlers/guests/change-cdrom.js';
import { cloneGuest } from '../handlers/guests/clone.js';
import { coolTemplate } from '../handlers/guests/cool.js';
import { createGuest } from '../handlers/guests/create.js';
import { deleteGuest } from '../handlers/guests/delete.js';
import { getGuest } from '../handlers/guests/get.js';
import { getGuestHistory } from '../handlers/guests/history.js';
import { listGuests } from '../handlers/guests/list.js';
import { getGuestMetadata } from '../handlers/guests/metadata/get.js';
import { patchGuestMetadata } from '../handlers/guests/metadata/patch.js';
import { getCpuMetrics } from '../handlers/guests/metrics/cpu.js';
import { getDiskMetrics } from '../handlers/guests/metrics/disk.js';
import { getNicMetrics } from '../handlers/guests/metrics/nic.js';
import { patchGuest } from '../handlers/guests/patch.js';
import { warmTemplate } from '../handlers/guests/warm.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { cdromParams, guestParams } from './schemas/params.js';
import {
  cdromPatchPayload,
  clonePayload,
  guestPatchPayload,
  guestPayload,
  metadataPatchPayload,
  warmPayload,
} from './schemas/payloads.js';
import {
  cdromQuery,
  createQuery,
  dryRunQuery,
  guestsQuery,
  historyQuery,
  jobQuery,
} from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const metadata = { status: 200, description: "The guest's metadata", schema: replies.metadata } as const;

const metricsRoutes: Route<Context>[] = (
  [
    ['cpu', 'CPU', 'getCpuMetrics', getCpuMetrics, replies.cpuMetrics],
    ['disk', 'disk', 'getDiskMetrics', getDiskMetrics, replies.diskMetrics],
    ['nic', 'NIC', 'getNicMetrics', getNicMetrics, replies.nicMetrics],
  ] as const
).map(([type, what, operationId, handler, schema]) =>
  route({
    method: 'GET',
    path: `/guests/{guestID}/metrics/${type}`,
    operationId,
    summary: `Get the ${what} metrics of a guest`,
    can: 'look',
    tags: ['guests'],
    params: guestParams,
    callsSubAgent: true,
    reply: { status: 200, description: `The guest's ${what} counters`, schema },
    handler,
  }),
);

export const guestRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests',
    operationId: 'listGuests',
    summary: 'List guests',
    can: 'look',
    over: 'some',
    tags: ['guests'],
    query: guestsQuery,
    reply: { status: 200, description: 'Guests', schema: replies.guests },
    handler: listGuests,
  }),
  route({
    method: 'POST',
    path: '/guests',
    operationId: 'createGuest',
    summary: 'Create a guest',
    can: 'change',
    over: 'some',
    tags: ['guests'],
    query: createQuery,
    payload: guestPayload,
    reply: { status: 202, description: 'The job that creates the guest was queued', schema: replies.guest },
    handler: createGuest,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}',
    operationId: 'getGuest',
    summary: 'Get a guest',
    can: 'look',
    tags: ['guests'],
    params: guestParams,
    tagged: true,
    reply: { status: 200, description: 'The guest', schema: replies.guest },
    handler: getGuest,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}',
    operationId: 'patchGuest',
    summary: 'Change a guest, at once or at its next start',
    can: 'change',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    payload: guestPatchPayload,
    conditional: true,
    reply: {
      status: 202,
      description: 'The job that changes the guest was queued; the guest is as before',
      schema: replies.guest,
    },
    handler: patchGuest,
  }),
  route({
    method: 'POST',
    path: '/guests/{guestID}/clone',
    operationId: 'cloneGuest',
    summary: 'Create a guest from another one, which may run, or from a snapshot of it',
    can: 'change',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    payload: clonePayload,
    reply: { status: 202, description: 'The job that creates the clone was queued', schema: replies.guest },
    handler: cloneGuest,
  }),
  route({
    method: 'POST',
    path: '/guests/{guestID}/warm',
    operationId: 'warmTemplate',
    summary: 'Boot a template once and keep its memory, with which its clones resume',
    can: 'change',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    payload: warmPayload,
    conditional: true,
    reply: {
      status: 202,
      description: 'The job was queued; the template is as before',
      schema: replies.guest,
    },
    handler: warmTemplate,
  }),
  route({
    method: 'DELETE',
    path: '/guests/{guestID}/warm',
    operationId: 'coolTemplate',
    summary: 'Discard the memory of a warm template; its clones boot',
    can: 'change',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    conditional: true,
    reply: {
      status: 202,
      description: 'The job was queued; the template is as before',
      schema: replies.guest,
    },
    handler: coolTemplate,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}/cdroms/{cdrom}',
    operationId: 'changeCdrom',
    summary: 'Insert an ISO image into a CD drive of a guest, or eject it',
    can: 'change',
    tags: ['guests'],
    query: cdromQuery,
    params: cdromParams,
    payload: cdromPatchPayload,
    conditional: true,
    reply: {
      status: 202,
      description: 'The job was queued; the guest is as before the change',
      schema: replies.guest,
    },
    handler: changeCdrom,
  }),
  route({
    method: 'DELETE',
    path: '/guests/{guestID}',
    operationId: 'deleteGuest',
    summary: 'Delete a guest and its disks',
    can: 'change',
    tags: ['guests'],
    query: jobQuery,
    params: guestParams,
    conditional: true,
    reply: { status: 202, description: 'The job that deletes the guest was queued', schema: replies.guest },
    handler: deleteGuest,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/metadata',
    operationId: 'getGuestMetadata',
    summary: "Get a guest's metadata",
    can: 'look',
    tags: ['guests'],
    params: guestParams,
    tagged: true,
    reply: metadata,
    handler: getGuestMetadata,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}/metadata',
    operationId: 'patchGuestMetadata',
    summary: "Change a guest's metadata",
    can: 'change',
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
  route({
    method: 'GET',
    path: '/guests/{guestID}/history',
    can: 'look',
    operationId: 'getGuestHistory',
    summary: 'Get the load of a guest over the last hour, day or month',
    tags: ['guests'],
    params: guestParams,
    query: historyQuery,
    reply: { status: 200, description: 'Averages', schema: replies.history },
    handler: getGuestHistory,
  }),
];
