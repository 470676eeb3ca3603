import { listCatalogue } from '../handlers/catalogue/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { catalogueQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

export const catalogueRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/catalogue',
    operationId: 'listCatalogue',
    summary: 'List the images that can be fetched by name',
    can: 'look',
    over: 'some',
    tags: ['images'],
    query: catalogueQuery,
    reply: {
      status: 200,
      description: 'The images, and the sources of the catalogue',
      schema: replies.catalogue,
    },
    handler: listCatalogue,
  }),
];
