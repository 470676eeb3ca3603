import Joi from 'joi';
import { openApiHandler } from '../handlers/documentation/openapi.js';
import { type Route, route } from '../lib/server/route.js';
import { openApiDocument } from './openapi/document.js';

/** @param table every route, these included */
export const documentationRoutes = (table: () => readonly Route[]): Route[] => [
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'Retrieve this description of the API',
    tags: ['documentation'],
    scope: 'public',
    reply: {
      status: 200,
      description: 'An OpenAPI 3.1 document',
      schema: Joi.object({ openapi: Joi.string().required() }).unknown(),
    },
    handler: openApiHandler(() => openApiDocument(table())),
  }),
];
