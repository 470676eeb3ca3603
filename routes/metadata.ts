import { getMetadata } from '../handlers/metadata/get.js';
import { patchMetadata } from '../handlers/metadata/patch.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { metadataPatchPayload } from './schemas/payloads.js';
import { dryRunQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const reply = { status: 200, description: "The hypervisor's metadata", schema: replies.metadata } as const;

export const metadataRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/metadata',
    operationId: 'getMetadata',
    summary: "Get the hypervisor's metadata",
    can: 'look',
    tags: ['hypervisor'],
    tagged: true,
    reply,
    handler: getMetadata,
  }),
  route({
    method: 'PATCH',
    path: '/metadata',
    operationId: 'patchMetadata',
    summary: "Change the hypervisor's metadata",
    can: 'host',
    tags: ['hypervisor'],
    query: dryRunQuery,
    payload: metadataPatchPayload,
    conditional: true,
    tagged: true,
    reply,
    handler: patchMetadata,
  }),
];
