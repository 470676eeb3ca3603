import { badRequest } from '@hapi/boom';
import type { Schema } from 'joi';
import type { Route } from './route.js';

type Input = object | Buffer | string;

/** What a schema makes of a part of a request. It throws a 400 that tells all that is wrong, in Joi's words. */
type Validator = (input: Input) => object;

const validator = (schema: Schema): Validator => {
  // Given with each call, preferences are merged with each call.
  const thorough = schema.prefs({ abortEarly: false, stripUnknown: true });
  return (input) => {
    const { value, error } = thorough.validate(input);
    if (error) throw badRequest(error.message);
    return value;
  };
};

/** Paths that are remembered of one route. */
const MAX_REMEMBERED = 2000;

const keyOf = (params: object): string => {
  const values: unknown[] = Object.values(params);
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
};

/** The same for the parameters of a path: the same few paths are asked for again and again. */
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

/** The parts of a request that schemas look at. */
interface Parts {
  params: object;
  query: object;
  payload: Input;
}

/**
 * Has the schemas of a route look at a request, whose parts are then what they have made of them. hapi can do it, too,
 * but makes a context each time that no schema of ours needs, which costs more than all else for a small answer.
 * @throws 400
 */
export const partsValidator = ({ params, query, payload }: Route): ((request: Parts) => void) => {
  const ofParams = params && rememberingValidator(params);
  const ofQuery = query && validator(query);
  const ofPayload = payload && payload !== 'ignored' ? validator(payload) : undefined;
  return (request) => {
    if (ofParams) request.params = ofParams(request.params);
    if (ofQuery) request.query = ofQuery(request.query);
    if (ofPayload) request.payload = ofPayload(request.payload);
  };
};
