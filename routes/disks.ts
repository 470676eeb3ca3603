import { addDisk } from '../handlers/guests/disks/add.js';
import { changeDisk } from '../handlers/guests/disks/change.js';
import { listDisks } from '../handlers/guests/disks/list.js';
import { removeDisk } from '../handlers/guests/disks/remove.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { diskSnapshotsParams, guestParams } from './schemas/params.js';
import { diskPatchPayload, newDiskPayload } from './schemas/payloads.js';
import { diskRemovalQuery, jobQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const accepted = {
  status: 202,
  description: 'The job was queued; the guest is as before the change',
  schema: replies.guest,
} as const;

export const diskRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/disks',
    operationId: 'listDisks',
    summary: 'List the disks of a guest with the space that they take',
    can: 'look',
    tags: ['guests'],
    params: guestParams,
    callsSubAgent: true,
    reply: { status: 200, description: "The guest's disks", schema: replies.disks },
    handler: listDisks,
  }),
  route({
    method: 'POST',
    path: '/guests/{guestID}/disks',
    operationId: 'addDisk',
    summary: 'Add a disk to a guest, also while it runs',
    can: 'change',
    tags: ['guests'],
    params: guestParams,
    query: jobQuery,
    payload: newDiskPayload,
    conditional: true,
    reply: accepted,
    handler: addDisk,
  }),
  route({
    method: 'PATCH',
    path: '/guests/{guestID}/disks/{diskID}',
    operationId: 'changeDisk',
    summary: 'Grow a disk of a guest, also while it runs',
    can: 'change',
    tags: ['guests'],
    params: diskSnapshotsParams,
    query: jobQuery,
    payload: diskPatchPayload,
    conditional: true,
    reply: accepted,
    handler: changeDisk,
  }),
  route({
    method: 'DELETE',
    path: '/guests/{guestID}/disks/{diskID}',
    operationId: 'removeDisk',
    summary: 'Remove a disk from a guest, and delete or keep its data',
    can: 'change',
    tags: ['guests'],
    params: diskSnapshotsParams,
    query: diskRemovalQuery,
    conditional: true,
    reply: accepted,
    handler: removeDisk,
  }),
];
