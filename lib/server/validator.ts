import { badRequest } from '@hapi/boom';
import type { Schema } from 'joi';
import type { Route } from './route.js';

type Input = object | Buffer | string;

/** Returns a part of a request as its schema converts it. Throws a 400 with joi's words for every mistake. */
type Validator = (input: Input) => object;

const validator = (schema: Schema): Validator => {
  // Preferences passed to each call would be merged at each call.
  const thorough = schema.prefs({ abortEarly: false, stripUnknown: true });
  return (input) => {
    const { value, error } = thorough.validate(input);
    if (error) throw badRequest(error.message);
    return value;
  };
};

/** Paths remembered per route. */
const MAX_REMEMBERED = 2000;

const keyOf = (params: object): string => {
  const values: unknown[] = Object.values(params);
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
};

/** Makes a validator of path parameters that remembers its results, since clients request the same few paths. */
export const rememberingValidator = (schema: Schema): ((params: object) => object) => {
  const validate = validator(schema);
  const found = new Map<string, object>();
  return (input) => {
    const key = keyOf(input);
    let params = found.get(key);
    if (params === undefined) {
      params = Object.freeze(validate(input));
      if (found.size >= MAX_REMEMBERED) found.clear();
      found.set(key, params);
    }
    return params;
  };
};

/** The parts of a request that schemas validate. */
interface Parts {
  params: object;
  query: object;
  payload: Input;
}

/**
 * Makes the function that validates a request against its route's schemas and replaces its parts with their results.
 * hapi's own validation builds a context per request that our schemas do not use, which dominates small responses.
 */
export const partsValidator = ({ params, query, payload }: Route): ((request: Parts) => void) => {
  const validateParams = params && rememberingValidator(params);
  const validateQuery = query && validator(query);
  const validatePayload = payload && payload !== 'ignored' ? validator(payload) : undefined;
  return (request) => {
    if (validateParams) request.params = validateParams(request.params);
    if (validateQuery) request.query = validateQuery(request.query);
    if (validatePayload) request.payload = validatePayload(request.payload);
  };
};
