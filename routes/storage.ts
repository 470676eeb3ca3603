import { getStorageSpace } from '../handlers/storage/get.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { replies } from './schemas/replies.js';

export const storageRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/storage',
    operationId: 'getStorageSpace',
    summary: 'Get the size and the free space of the storage of images and disks',
    can: 'look',
    tags: ['images'],
    callsSubAgent: true,
    reply: { status: 200, description: 'The space of the storage', schema: replies.storageSpace },
    handler: getStorageSpace,
  }),
];
