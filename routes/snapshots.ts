import type { ObjectSchema } from 'joi';
import { createSnapshot } from '../handlers/guests/snapshots/create.js';
import { deleteSnapshot } from '../handlers/guests/snapshots/delete.js';
import { downloadSnapshot } from '../handlers/guests/snapshots/download.js';
import { getSnapshot } from '../handlers/guests/snapshots/get.js';
import { listSnapshots } from '../handlers/guests/snapshots/list.js';
import { rollbackSnapshot } from '../handlers/guests/snapshots/rollback.js';
import type { SnapshotParams, SnapshotsParams } from '../handlers/guests/snapshots/selector.js';
import { updateSnapshot } from '../handlers/guests/snapshots/update.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { diskSnapshotParams, diskSnapshotsParams, guestParams, snapshotParams } from './schemas/params.js';
import { snapshotCreatePayload, snapshotPatchPayload, snapshotRollbackPayload } from './schemas/payloads.js';
import { diskDownloadQuery, jobQuery, snapshotsQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const found = { status: 200, description: 'Snapshots, one per disk', schema: replies.snapshots } as const;
const queued = {
  status: 202,
  description: 'The job was queued',
  schema: replies.snapshots,
} as const;

/** One of the two places that have snapshots: a guest, or one of its disks. */
interface Place {
  path: string;
  /** Ends each operation's id. */
  suffix: '' | 'OfDisk';
  /** Completes "a snapshot of …". */
  subject: string;
  params: ObjectSchema<SnapshotsParams>;
  /** The same with the snapshot's name. */
  namedParams: ObjectSchema<SnapshotParams>;
}

const routesBelow = ({ path, suffix, subject, params, namedParams }: Place): Route<Context>[] => [
  route({
    method: 'GET',
    path,
    operationId: `listSnapshots${suffix}`,
    summary: `List the snapshots of ${subject}`,
    can: 'look',
    tags: ['snapshots'],
    params,
    query: snapshotsQuery,
    callsSubAgent: true,
    reply: found,
    handler: listSnapshots,
  }),
  route({
    method: 'POST',
    path,
    operationId: `createSnapshot${suffix}`,
    summary: `Create a snapshot of ${subject}`,
    can: 'snapshot',
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
    operationId: `getSnapshot${suffix}`,
    summary: `Get a snapshot of ${subject}`,
    can: 'look',
    tags: ['snapshots'],
    params: namedParams,
    callsSubAgent: true,
    reply: found,
    handler: getSnapshot,
  }),
  route({
    method: 'PATCH',
    path: `${path}/{name}`,
    operationId: `updateSnapshot${suffix}`,
    summary: `Change the description of a snapshot of ${subject}`,
    can: 'snapshot',
    tags: ['snapshots'],
    params: namedParams,
    query: jobQuery,
    payload: snapshotPatchPayload,
    reply: queued,
    handler: updateSnapshot,
  }),
  route({
    method: 'DELETE',
    path: `${path}/{name}`,
    operationId: `deleteSnapshot${suffix}`,
    summary: `Delete a snapshot of ${subject}`,
    can: 'snapshot',
    tags: ['snapshots'],
    params: namedParams,
    query: jobQuery,
    reply: queued,
    handler: deleteSnapshot,
  }),
  route({
    method: 'POST',
    path: `${path}/{name}/rollback`,
    operationId: `rollbackSnapshot${suffix}`,
    summary: `Roll ${subject} back to a snapshot`,
    can: 'snapshot',
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
    operationId: `downloadSnapshot${suffix}`,
    summary: `Download a snapshot of ${subject}`,
    can: 'content',
    tags: ['snapshots'],
    params: namedParams,
    query: diskDownloadQuery,
    callsSubAgent: true,
    reply: { status: 200, description: "The disk's bytes", type: 'application/octet-stream' },
    handler: downloadSnapshot,
  }),
];

export const snapshotRoutes: Route<Context>[] = [
  ...routesBelow({
    path: '/guests/{guestID}/snapshots',
    suffix: '',
    subject: "all of a guest's disks",
    params: guestParams,
    namedParams: snapshotParams,
  }),
  ...routesBelow({
    path: '/guests/{guestID}/disks/{diskID}/snapshots',
    suffix: 'OfDisk',
    subject: "one of a guest's disks",
    params: diskSnapshotsParams,
    namedParams: diskSnapshotParams,
  }),
];
