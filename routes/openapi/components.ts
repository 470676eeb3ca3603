import { stringify } from 'safe-stable-stringify';
import { guestSchema, metadataSchema } from '../../lib/model/guest-schemas.js';
import { imageSchema } from '../../lib/model/image.js';
import { jobSchema } from '../../lib/model/job-schema.js';
import { snapshotSchema } from '../../lib/model/snapshot.js';
import { errorSchema } from '../../lib/server/error-schema.js';
import { type JsonSchema, jsonSchemaOf } from './json-schema.js';

/** The contract's shapes, by their names in it. */
export const components: Readonly<Record<string, JsonSchema>> = {
  Guest: jsonSchemaOf(guestSchema),
  Job: jsonSchemaOf(jobSchema),
  Image: jsonSchemaOf(imageSchema),
  Snapshot: jsonSchemaOf(snapshotSchema),
  Metadata: jsonSchemaOf(metadataSchema),
  Error: jsonSchemaOf(errorSchema),
};

const names = new Map(Object.entries(components).map(([name, schema]) => [stringify(schema), name]));

/** Replaces a named shape, or a list's items, with a reference to it. */
export const referring = (schema: JsonSchema): JsonSchema => {
  const name = names.get(stringify(schema));
  if (name) return { $ref: `#/components/schemas/${name}` };
  const items = schema.items as JsonSchema | undefined;
  return items ? { ...schema, items: referring(items) } : schema;
};

export const errorReference: JsonSchema = { $ref: '#/components/schemas/Error' };
