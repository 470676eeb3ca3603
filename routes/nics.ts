import { listAddresses } from '../handlers/guests/addresses.js';
import { addNic } from '../handlers/guests/nics/add.js';
import { changeNic } from '../handlers/guests/nics/change.js';
import { removeNic } from '../handlers/guests/nics/remove.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams, nicParams } from './schemas/params.js';
import { nicPatchPayload, nicPayload } from './schemas/payloads.js';
import { jobQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const accepted = {
  status: 202,
  description: 'The job was queued; the guest is as before the change',
  schema: replies.guest,
} as const;

export const nicRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/addresses',
    operationId: 'listAddresses',
    summary: 'List the addresses of a guest that are known, with the source of each',
    can: 'look',
    tags: ['guests'],
    params: guestParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The addresses, the best source first', schema: replies.addresses },
    handler: listAddresses,
  }),
  route({
    method: 'POST',
    path: '/guests/{guestID}/nics',
    operationId: 'addNic',
    summary: 'Add a NIC to a guest, at once when it runs',
    can: 'change',
    tags: ['guest actions'],
    params: guestParams,
    query: jobQuery,
    payload: nicPayload,
    conditional: true,
    reply: accepted,
    handler: addNic,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}/nics/{nicName}',
    operationId: 'changeNic',
    summary: 'Change the network, the cable or the address of a NIC',
    can: 'change',
    tags: ['guest actions'],
    params: nicParams,
    query: jobQuery,
    payload: nicPatchPayload,
    conditional: true,
    reply: accepted,
    handler: changeNic,
  }),
  route({
    method: 'DELETE',
    path: '/guests/{guestID}/nics/{nicName}',
    operationId: 'removeNic',
    summary: 'Remove a NIC from a guest',
    can: 'change',
    tags: ['guest actions'],
    params: nicParams,
    query: jobQuery,
    conditional: true,
    reply: accepted,
    handler: removeNic,
  }),
];
