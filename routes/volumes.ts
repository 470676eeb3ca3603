import { createVolume } from '../handlers/volumes/create.js';
import { deleteVolume } from '../handlers/volumes/delete.js';
import { downloadVolume } from '../handlers/volumes/download.js';
import { getVolume } from '../handlers/volumes/get.js';
import { listVolumes } from '../handlers/volumes/list.js';
import { pruneVolumes } from '../handlers/volumes/prune.js';
import { uploadVolume } from '../handlers/volumes/upload.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { volumeParams } from './schemas/params.js';
import { volumePayload, volumePrunePayload } from './schemas/payloads.js';
import { jobQuery, volumesQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

export const volumeRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/volumes',
    operationId: 'listVolumes',
    summary: 'List the named volumes of containers',
    can: 'look',
    over: 'some',
    tags: ['volumes'],
    query: volumesQuery,
    callsSubAgent: true,
    reply: { status: 200, description: 'Volumes', schema: replies.volumes },
    handler: listVolumes,
  }),
  route({
    method: 'POST',
    path: '/volumes',
    operationId: 'createVolume',
    summary: 'Create a volume for containers',
    can: 'host',
    tags: ['volumes'],
    query: jobQuery,
    payload: volumePayload,
    reply: {
      status: 202,
      description: 'The job that creates the volume was queued',
      schema: replies.volumes,
    },
    handler: createVolume,
  }),
  route({
    method: 'GET',
    path: '/volumes/{volumeName}',
    operationId: 'getVolume',
    summary: 'Get a volume, with what it takes on the disk',
    can: 'look',
    over: 'some',
    tags: ['volumes'],
    params: volumeParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The volume', schema: replies.volume },
    handler: getVolume,
  }),
  route({
    method: 'DELETE',
    path: '/volumes/{volumeName}',
    operationId: 'deleteVolume',
    summary: 'Delete a volume that no guest uses, with its files',
    can: 'host',
    tags: ['volumes'],
    params: volumeParams,
    query: jobQuery,
    reply: {
      status: 202,
      description: 'The job that deletes the volume was queued',
      schema: replies.volumes,
    },
    handler: deleteVolume,
  }),
  route({
    method: 'GET',
    path: '/volumes/{volumeName}/download',
    operationId: 'downloadVolume',
    summary: 'Download the files of a volume as a tar archive',
    can: 'content',
    over: 'some',
    tags: ['volumes'],
    params: volumeParams,
    callsSubAgent: true,
    reply: { status: 200, description: 'The tar archive', type: 'application/octet-stream' },
    handler: downloadVolume,
  }),
  route({
    method: 'POST',
    path: '/volumes/{volumeName}/upload',
    operationId: 'uploadVolume',
    summary: 'Create a volume with the files of a tar archive',
    can: 'host',
    tags: ['volumes'],
    params: volumeParams,
    payload: 'upload',
    callsSubAgent: true,
    reply: { status: 200, description: 'The volume', schema: replies.volumes },
    handler: uploadVolume,
  }),
  route({
    method: 'POST',
    path: '/volumes/prune',
    operationId: 'pruneVolumes',
    summary: 'Delete the volumes that no container and no guest uses',
    can: 'host',
    tags: ['volumes'],
    query: jobQuery,
    payload: volumePrunePayload,
    reply: {
      status: 202,
      description: 'The job that deletes the volumes was queued; a dry run responds 200 with the volumes',
      schema: replies.volumes,
    },
    handler: pruneVolumes,
  }),
];
