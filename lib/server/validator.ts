import { badRequest } from '@hapi/boom';
import type { Schema } from 'joi';
import { describeMistakes } from '../model/describe-mistakes.js';
import { bodySchema, changesSomething, hasDryRun, type Route } from './route.js';
import { findStripped } from './stripped-keys.js';
import type { UnknownKeys } from './unknown-keys.js';

type Input = object | Buffer | string;

/**
 * Returns a part of a request as its schema converts it, without the keys that the schema does not know.
 * @throws a 400 that describes every mistake; only the first one in a very large input
 */
type Validator = (input: Input, onUnknown: (path: (string | number)[]) => void) => object;

/** Inputs with more values than this get only their first mistake described: joi's errors cost far more than values. */
const MAX_DESCRIBED = 1000;

/** Counts the values in a tree, up to just above `most`. */
const countValues = (value: unknown, most: number): number => {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 1;
  let count = 1;
  for (const key in value) {
    count += countValues(value[key as keyof typeof value], most - count);
    if (count > most) break;
  }
  return count;
};

const validator = (schema: Schema): Validator => {
  // Preferences passed to each call would be merged at each call.
  const lenient = schema.prefs({ abortEarly: true, stripUnknown: true });
  const thorough = schema.prefs({ abortEarly: false, stripUnknown: true });
  return (input, onUnknown) => {
    const { value, error } = lenient.validate(input);
    if (!error) {
      findStripped(input, value, onUnknown);
      return value;
    }
    const isSmall = countValues(input, MAX_DESCRIBED) <= MAX_DESCRIBED;
    throw badRequest(describeMistakes((isSmall && thorough.validate(input).error) || error));
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
  // Routes define the names of path parameters, so none is unknown.
  const ignore = (): void => {};
  const found = new Map<string, object>();
  return (input) => {
    const key = keyOf(input);
    let params = found.get(key);
    if (params === undefined) {
      params = Object.freeze(validate(input, ignore));
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
  payload: Input | null;
}

/** The JSON of bodies without content. */
const EMPTY_BODIES = new Set(['', 'null', '{}']);

export const isEmptyBody = (payload: unknown): boolean =>
  !Buffer.isBuffer(payload) || (payload.length <= 16 && EMPTY_BODIES.has(payload.toString().trim()));

const takesBytes = ({ payload }: Route): boolean => payload === 'bytes' || payload === 'upload';

const validateQuery = (validate: Validator | undefined, request: Parts, unknown: UnknownKeys): void => {
  if (validate) request.query = validate(request.query, ([name]) => unknown.addParameter(String(name)));
  else for (const name of Object.keys(request.query)) unknown.addParameter(name);
};

/** @throws 400: ignored, the parameter would let the request change what it must not */
const rejectDryRun = ({ query }: Parts): void => {
  const { dryRun } = query as { dryRun?: unknown };
  if (dryRun !== undefined && dryRun !== 'false')
    throw badRequest('this request has no dry run: leave dryRun out to make it, or do not send it');
};

/**
 * Makes the function that validates a request against its route's schemas and replaces its parts with their results.
 * hapi's own validation builds a context per request that our schemas do not use, which dominates small responses.
 */
export const partsValidator = (route: Route): ((request: Parts, unknown: UnknownKeys) => void) => {
  const { params, query } = route;
  const schema = bodySchema(route);
  const validateParams = params && rememberingValidator(params);
  const queryValidator = query && validator(query);
  const validatePayload = schema && validator(schema);
  const rejectsDryRun = changesSomething(route) && !hasDryRun(route);
  return (request, unknown) => {
    if (rejectsDryRun) rejectDryRun(request);
    if (validateParams) request.params = validateParams(request.params);
    validateQuery(queryValidator, request, unknown);
    if (validatePayload)
      request.payload = validatePayload(request.payload as Input, (path) => unknown.addKey(path));
    else if (!takesBytes(route) && !isEmptyBody(request.payload)) unknown.addBody();
  };
};
