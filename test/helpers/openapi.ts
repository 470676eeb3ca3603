import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { openApiDocument } from '../../routes/openapi/document.js';
import { routeTable } from '../../routes/table.js';
import type { ApiResponse } from './api.js';

type Media = Record<string, { schema?: unknown }>;
type Responses = Record<string, { content?: Media }>;

const document = openApiDocument(routeTable);
const paths = document.paths as Record<string, Record<string, { responses: Responses }>>;

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(document, 'openapi');

const patterns = Object.keys(paths).map(
  (path) => [path, new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`)] as const,
);

/** Finds the path of a URL; paths with fewer parameters win. */
const pathOf = (url: string): string | undefined => {
  const [bare = ''] = url.split('?');
  const matching = patterns.filter(([, pattern]) => pattern.test(bare)).map(([path]) => path);
  return matching.toSorted((a, b) => a.split('{').length - b.split('{').length)[0];
};

const pointer = (...parts: string[]): string =>
  parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');

const compiled = new Map<string, ValidateFunction>();

const validatorOf = (reference: string): ValidateFunction => {
  let validate = compiled.get(reference);
  if (!validate) {
    validate = ajv.compile({ $ref: reference });
    compiled.set(reference, validate);
  }
  return validate;
};

const schemaReference = (method: string, url: string, status: number): string => {
  const path = pathOf(url);
  const responses = path && paths[path]?.[method.toLowerCase()]?.responses;
  if (!path || !responses) return 'openapi#/components/schemas/Error';
  const known = String(status) in responses ? String(status) : 'default';
  if (status < 400 && known === 'default')
    throw new Error(`${method} ${url}: its OpenAPI description lacks status ${status}`);
  return `openapi#/${pointer('paths', path, method.toLowerCase(), 'responses', known, 'content', 'application/json', 'schema')}`;
};

/** Throws when a JSON response does not match the OpenAPI document. */
export const requireDescribed = (
  method: string,
  url: string,
  { status, headers, body, text }: ApiResponse,
): void => {
  if (!headers.get('content-type')?.startsWith('application/json') || text === '') return;
  const validate = validatorOf(schemaReference(method, url, status));
  if (!validate(body))
    throw new Error(
      `${method} ${url}: ${status} does not match its OpenAPI description: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`,
    );
};
