import type { ObjectSchema } from 'joi';

/** Lists the keys that an object schema defines. */
export const keysOf = (schema: ObjectSchema): string[] => Object.keys(schema.describe().keys);
