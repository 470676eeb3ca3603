import Joi from 'joi';
import { openApiHandler } from '../handlers/documentation/openapi.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';

/** @param table returns every route, including these */
export const documentationRoutes = (table: () => readonly Route[]): Route<Context>[] => [
  route({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'Get this description of the API',
    can: 'public',
    tags: ['documentation'],
    reply: {
      status: 200,
      description: 'An OpenAPI 3.1 document',
      schema: Joi.object({ openapi: Joi.string().required() }).unknown(),
    },
    handler: openApiHandler(async () => (await import('./openapi/document.js')).openApiDocument(table())),
  }),
];
