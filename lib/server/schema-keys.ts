import type { ObjectSchema } from 'joi';

/**
 * Lists the keys that an object schema defines. Reads them from its JSON Schema (Standard JSON Schema, which joi implements):
 * `describe` checks each description that it makes, and takes twenty times as long.
 */
export const keysOf = (schema: ObjectSchema): string[] => {
  const { properties } = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  return Object.keys((properties ?? {}) as object);
};

/** Whether an object schema defines a key. */
export const hasKey = (schema: ObjectSchema | undefined, key: string): boolean =>
  schema !== undefined && keysOf(schema).includes(key);
