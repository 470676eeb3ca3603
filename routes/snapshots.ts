import type { ObjectSchema } from 'joi';
import { createSnapshot } from '../handlers/guests/snapshots/create.js';
import { deleteSnapshot } from '../handlers/guests/snapshots/delete.js';
import { downloadSnapshot } from '../handlers/guests/snapshots/download.js';
import { getSnapshot } from '../handlers/guests/snapshots/get.js';
import { listSnapshots } from '../handlers/guests/snapshots/list.js';
import { rollbackSnapshot } from '../handlers/guests/snapshots/rollback.js';
import { type Route, route } from '../lib/server/route.js';
import {
  diskSnapshotParams,
  diskSnapshotsParams,
  jobQuery,
  replies,
  snapshotCreatePayload,
  snapshotParams,
  snapshotRollbackPayload,
  snapshotsParams,
  snapshotsQuery,
} from './schemas.js';

const found = { status: 200, description: 'Snapshots, one per disk', schema: replies.snapshots } as const;
const queued = {
  status: 202,
  description: 'The job was queued; 200 with what came of it when it ended within `wait`',
  schema: replies.snapshots,
} as const;

/** @param of whose snapshots, in words */
const routesBelow = (path: string, of: string, params: ObjectSchema, namedParams: ObjectSchema): Route[] => [
  route({
    method: 'GET',
    path,
    summary: `Retrieve a list of the snapshots of ${of}`,
    tags: ['snapshots'],
    params,
    query: snapshotsQuery,
    asks: 'sub-agent',
    reply: found,
    handler: listSnapshots,
  }),
  route({
    method: 'POST',
    path,
    summary: `Create a snapshot of ${of}`,
    tags: ['snapshots'],
    params,
    query: jobQuery,
    payload: snapshotCreatePayload,
    reply: queued,
    handler: createSnapshot,
  }),
  route({
    method: 'GET',
    path: `${path}/{name}`,
    summary: `Retrieve information about a snapshot of ${of}`,
    tags: ['snapshots'],
    params: namedParams,
    asks: 'sub-agent',
    reply: found,
    handler: getSnapshot,
  }),
  route({
    method: 'DELETE',
    path: `${path}/{name}`,
    summary: `Delete a snapshot of ${of}`,
    tags: ['snapshots'],
    params: namedParams,
    query: jobQuery,
    reply: queued,
    handler: deleteSnapshot,
  }),
  route({
    method: 'POST',
    path: `${path}/{name}/rollback`,
    summary: `Roll ${of} back to a snapshot`,
    tags: ['snapshots'],
    params: namedParams,
    query: jobQuery,
    payload: snapshotRollbackPayload,
    reply: queued,
    handler: rollbackSnapshot,
  }),
  route({
    method: 'GET',
    path: `${path}/{name}/download`,
    summary: `Download a snapshot of ${of}`,
    tags: ['snapshots'],
    params: namedParams,
    asks: 'sub-agent',
    reply: { status: 200, description: "The disk's bytes", type: 'application/octet-stream' },
    handler: downloadSnapshot,
  }),
];

export const snapshotRoutes: Route[] = [
  ...routesBelow('/guests/{guestID}/snapshots', "all of a guest's disks", snapshotsParams, snapshotParams),
  ...routesBelow(
    '/guests/{guestID}/disks/{diskID}/snapshots',
    "one of a guest's disks",
    diskSnapshotsParams,
    diskSnapshotParams,
  ),
];
