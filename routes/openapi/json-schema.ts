import type { Description, Schema } from 'joi';
import { isSelected } from '../schemas/selected.js';

export type JsonSchema = Record<string, unknown>;

const TARGET = 'draft-2020-12';

/** The parts of joi's description that its JSON Schema lacks. */
interface Described extends Description {
  allow?: unknown[];
  examples?: unknown[];
  keys?: Record<string, Described>;
  items?: Described[];
  metas?: { selected?: true }[];
}

const constrainsText = (schema: JsonSchema): boolean =>
  ['pattern', 'allOf', 'format', 'minLength'].some((keyword) => keyword in schema);

/** Adds the `""` allowed beside a pattern and the `null` allowed beside a choice, which joi's JSON Schema omits. */
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
  if (described.metas?.some(isSelected)) delete completed.required;
  // Unknown keys are ignored.
  if (!('patternProperties' in schema)) delete completed.additionalProperties;
  return withAllowed(completed, described.allow ?? []);
};

/** Converts a joi schema to the JSON Schema of its input. */
export const jsonSchemaOf = (schema: Schema): JsonSchema =>
  complete(schema['~standard'].jsonSchema.input({ target: TARGET }) as JsonSchema, schema.describe());
