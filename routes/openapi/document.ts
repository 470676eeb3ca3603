import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../lib/files/package-root.js';
import type { Route } from '../../lib/server/route.js';
import { components } from './components.js';
import type { JsonSchema } from './json-schema.js';
import { operationOf } from './operation.js';

const DESCRIPTION = `Virtual machines and containers on this host. An action responds with 202 and runs as a job: follow it
with \`GET /jobs/{jobID}\`, or wait for its result with \`?wait=SECONDS\`.`;

const { version, license } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
  license: string;
};

/** Describes the whole API in OpenAPI 3.1, using the schemas that validate requests. */
export const openApiDocument = (table: readonly Route[]): JsonSchema => {
  const paths: Record<string, JsonSchema> = {};
  for (const route of table) {
    const operations = paths[route.path] ?? {};
    paths[route.path] = { ...operations, [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mistify Agent',
      version,
      description: DESCRIPTION,
      license: { name: license, identifier: license },
    },
    servers: [{ url: '/' }],
    paths,
    // Either may apply: an agent on loopback may accept requests without a token.
    security: [{}, { token: [] }],
    components: { schemas: components, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
};
