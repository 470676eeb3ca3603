import { stringify } from 'safe-stable-stringify';
import { guestSchema, metadataSchema } from '../../lib/model/guest.js';
import { imageSchema } from '../../lib/model/image.js';
import { jobSchema } from '../../lib/model/job-schema.js';
import { snapshotSchema } from '../../lib/model/snapshot.js';
import { errorSchema } from '../schemas.js';
import { type JsonSchema, jsonSchemaOf } from './json-schema.js';

/** The shapes of the contract, by the names that it gives them. */
export const components: Readonly<Record<string, JsonSchema>> = {
  Guest: jsonSchemaOf(guestSchema),
  Job: jsonSchemaOf(jobSchema),
  Image: jsonSchemaOf(imageSchema),
  Snapshot: jsonSchemaOf(snapshotSchema),
  Metadata: jsonSchemaOf(metadataSchema),
  Error: jsonSchemaOf(errorSchema),
};

const names = new Map(Object.entries(components).map(([name, schema]) => [stringify(schema), name]));

/** Names a shape that has a name, wherever it comes. */
export const referring = (schema: JsonSchema): JsonSchema => {
  const name = names.get(stringify(schema));
  if (name) return { $ref: `#/components/schemas/${name}` };
  const items = schema.items as JsonSchema | undefined;
  return items ? { ...schema, items: referring(items) } : schema;
};

export const errorReference: JsonSchema = { $ref: '#/components/schemas/Error' };
