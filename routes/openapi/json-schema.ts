import type { Description, Schema } from 'joi';

export type JsonSchema = Record<string, unknown>;

const TARGET = 'draft-2020-12';

/** What joi says of a schema beside its JSON Schema. */
interface Described extends Description {
  allow?: unknown[];
  examples?: unknown[];
  keys?: Record<string, Described>;
  items?: Described[];
}

const constrainsText = (schema: JsonSchema): boolean =>
  ['pattern', 'allOf', 'format', 'minLength'].some((keyword) => keyword in schema);

/** joi allows `""` beside a pattern, and `null` beside a choice, which its JSON Schema does not say. */
const withAllowed = (schema: JsonSchema, allow: readonly unknown[]): JsonSchema => {
  if (Array.isArray(schema.enum) && allow.includes(null) && !schema.enum.includes(null))
    return { ...schema, enum: [...schema.enum, null] };
  if (!allow.includes('') || !constrainsText(schema)) return schema;
  const { description, examples, ...rest } = schema;
  return {
    ...(description ? { description } : {}),
    ...(examples ? { examples } : {}),
    anyOf: [rest, { const: '' }],
  };
};

const complete = (schema: JsonSchema, described: Described): JsonSchema => {
  const completed: JsonSchema = { ...schema };
  if (described.examples) completed.examples = described.examples;
  const properties = schema.properties as Record<string, JsonSchema> | undefined;
  if (properties && described.keys) {
    const keys = Object.entries(described.keys).filter(([key]) => key in properties);
    completed.properties = Object.fromEntries(
      keys.map(([key, child]) => [key, complete(properties[key] ?? {}, child)]),
    );
  }
  const item = described.items?.[0];
  if (item && schema.items) completed.items = complete(schema.items as JsonSchema, item);
  // Keys that nobody knows are ignored.
  if (!('patternProperties' in schema)) delete completed.additionalProperties;
  return withAllowed(completed, described.allow ?? []);
};

/** The JSON Schema of what a joi schema takes. */
export const jsonSchemaOf = (schema: Schema): JsonSchema =>
  complete(schema['~standard'].jsonSchema.input({ target: TARGET }) as JsonSchema, schema.describe());
