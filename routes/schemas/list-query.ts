import Joi, { type ObjectSchema, type Schema } from 'joi';
import type { ListQuery } from '../../lib/model/endpoint.js';
import { keysOf } from '../../lib/server/schema-keys.js';

/** The most items that a client can ask for. */
export const MAX_ITEMS = 100_000;

/** Splits a comma-separated list. */
export const split = (text: string): string[] => text.split(',').map((item) => item.trim());

/** Comma-separated keys, converted to an array. */
const fieldsOf = (known: readonly string[]): Schema =>
  Joi.string()
    .max(1000)
    .custom((text: string, helpers) => {
      const fields = split(text);
      const unknown = fields.filter((field) => !known.includes(field));
      if (unknown.length === 0) return fields;
      const message = `"fields" contains unknown keys (${unknown.join(', ')}): choose from ${known.join(', ')}`;
      return helpers.message({ custom: message.replaceAll('{', '(') });
    })
    .description(`Comma-separated keys to return of each item: ${known.join(', ')}`)
    .example(known.slice(0, 2).join(','));

export const limit = Joi.number()
  .integer()
  .min(1)
  .max(MAX_ITEMS)
  .description('The most items to return')
  .example(20);

export const cursor = Joi.string()
  .max(4096)
  .description('Where the previous page ended; follow the Link header instead of building it');

/** The query of a list: a page of it, and the keys to return of each item. */
export const listQuery = (item: ObjectSchema): ObjectSchema<ListQuery> =>
  Joi.object<ListQuery>({ limit, cursor, fields: fieldsOf(keysOf(item)) });
