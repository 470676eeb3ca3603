import type { Schema } from 'joi';

type Input = object | Buffer | string;

const validate = (schema: Schema, input: Input): object => {
  const { value, error } = schema.validate(input, { abortEarly: false, stripUnknown: true });
  if (error) throw error;
  return value;
};

/** Has a schema look at a part of a request. Hapi can do it too, but makes a context each time that no schema of ours needs. */
export const validator =
  (schema: Schema) =>
  async (input: Input): Promise<object> =>
    validate(schema, input);

/** Paths that are remembered of one route. */
const MAX_REMEMBERED = 2000;

/** The same for the parameters of a path: the same few paths are asked for again and again. */
export const rememberingValidator = (schema: Schema): ((input: Input) => Promise<object>) => {
  const found = new Map<string, object>();
  return async (input) => {
    const key = JSON.stringify(input);
    let params = found.get(key);
    if (params === undefined) {
      params = Object.freeze(validate(schema, input));
      if (found.size >= MAX_REMEMBERED) found.clear();
      found.set(key, params);
    }
    return params;
  };
};
