import { getMetadata } from '../handlers/metadata/get.js';
import { patchMetadata } from '../handlers/metadata/patch.js';
import { type Route, route } from '../lib/server/route.js';
import { dryRunQuery, metadataPatchPayload, replies } from './schemas.js';

const reply = { status: 200, description: "The hypervisor's metadata", schema: replies.metadata } as const;

export const metadataRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/metadata',
    summary: "Retrieve the hypervisor's metadata",
    tags: ['hypervisor'],
    tagged: true,
    reply,
    handler: getMetadata,
  }),
  route({
    method: 'PATCH',
    path: '/metadata',
    summary: "Modify the hypervisor's metadata",
    tags: ['hypervisor'],
    query: dryRunQuery,
    payload: metadataPatchPayload,
    conditional: true,
    tagged: true,
    reply,
    handler: patchMetadata,
  }),
];
