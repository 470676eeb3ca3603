import type { ObjectSchema } from 'joi';
import { bodySchema, isUpload, isWebSocket, type Route, takesKey } from '../../lib/server/route.js';
import { replies } from '../schemas/replies.js';
import { errorReference, referring } from './components.js';
import { errorsOf } from './errors.js';
import { type JsonSchema, jsonSchemaOf } from './json-schema.js';

const inJson = (schema: JsonSchema): JsonSchema => ({ content: { 'application/json': { schema } } });

const parametersIn = (place: 'path' | 'query', schema: ObjectSchema | undefined): JsonSchema[] => {
  if (!schema) return [];
  const properties = jsonSchemaOf(schema).properties as Record<string, JsonSchema>;
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    ...(place === 'path' ? { required: true } : {}),
    ...(description ? { description } : {}),
    schema: property,
  }));
};

const PREFER = {
  name: 'Prefer',
  in: 'header',
  description:
    'With `handling=strict`, unknown body keys and query parameters are a 400; otherwise they are ignored',
  schema: { type: 'string' },
  example: 'handling=strict',
};

const header = (name: string, description: string): JsonSchema => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
});

const headersOf = (route: Route): JsonSchema[] => [
  PREFER,
  ...(takesKey(route) && route.reply.status === 202
    ? [header('Idempotency-Key', 'Makes the request safe to repeat: the agent carries it out once')]
    : []),
  ...(route.resumable
    ? [header('Last-Event-ID', 'The id of the last event received; the stream resumes after it')]
    : []),
  ...(route.conditional
    ? [header('If-Match', 'The ETag that you have seen: 412 when the current one differs')]
    : []),
];

const requestBody = (route: Route): JsonSchema => {
  if (route.payload === 'bytes' || isUpload(route))
    return { requestBody: { required: false, content: { 'application/octet-stream': {} } } };
  const schema = bodySchema(route);
  if (!schema) return {};
  const { presence } = (schema.describe().flags ?? {}) as { presence?: string };
  const required = presence === 'required';
  return { requestBody: { required, ...inJson(referring(jsonSchemaOf(schema))) } };
};

const responseHeaders = ({ method, reply, query, tagged, callsSubAgent, resumable }: Route): JsonSchema => {
  const { schema } = reply;
  const text = { schema: { type: 'string' } };
  return {
    headers: {
      'X-Ignored-Keys': {
        description:
          'The unknown body keys and, with `?`, query parameters that were ignored; absent when none was',
        ...text,
      },
      ...(reply.status === 202 || callsSubAgent
        ? { 'X-Guest-Job-ID': { description: 'The ID of the job, or of the pipeline run', ...text } }
        : {}),
      ...(reply.status === 202
        ? {
            'X-Unchecked-Stages': {
              description:
                'With `dryRun`, the stages that no sub-agent could check; absent when all were checked',
              ...text,
            },
          }
        : {}),
      ...(query?.describe().keys.cursor
        ? { Link: { description: 'The next page, as rel="next"; absent on the last one', ...text } }
        : {}),
      ...(resumable
        ? { 'X-Last-Event-ID': { description: 'The id of the event after which the stream starts', ...text } }
        : {}),
      ...(schema === replies.metadata && method === 'PATCH'
        ? {
            'X-Next-Start': {
              description:
                'The changed keys that reach the guest at its next start, in a new cloud-init seed',
              ...text,
            },
          }
        : {}),
      ...(schema === replies.metadata
        ? {
            'X-Hidden-Keys': {
              description:
                'The secret keys that are left out for lack of the right `content`, percent-encoded',
              ...text,
            },
          }
        : {}),
      ...(tagged ? { ETag: { description: 'Changes when the content does', ...text } } : {}),
    },
  };
};

/** Describes the successful responses. A finished action and a dry run respond with 200. */
const successes = (route: Route): JsonSchema => {
  const { status, description, schema, type } = route.reply;
  if (isWebSocket(route)) return { [status]: { description } };
  const content = schema
    ? inJson(referring(jsonSchemaOf(schema)))
    : { content: { [type ?? 'application/octet-stream']: {} } };
  const headers = responseHeaders(route);
  const success = { [status]: { description, ...headers, ...content } };
  return status === 202
    ? {
        200: {
          description: 'The result: with `wait` when the job ended in time, with `dryRun` as it would be',
          ...headers,
          ...content,
        },
        ...success,
      }
    : success;
};

const failures = (route: Route): JsonSchema => ({
  ...Object.fromEntries(
    errorsOf(route).map(([status, description]) => [status, { description, ...inJson(errorReference) }]),
  ),
  default: { description: 'Any other error', ...inJson(errorReference) },
});

/** Describes a route as an OpenAPI operation. */
export const operationOf = (route: Route): JsonSchema => {
  const parameters = [
    ...parametersIn('path', route.params),
    ...parametersIn('query', route.query),
    ...headersOf(route),
  ];
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [...route.tags],
    ...(route.can === 'public' ? { security: [] } : {}),
    parameters,
    ...requestBody(route),
    responses: { ...successes(route), ...failures(route) },
  };
};
