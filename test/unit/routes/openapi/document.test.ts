import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { openApiDocument } from '../../../../routes/openapi/document.js';
import { jsonSchemaOf } from '../../../../routes/openapi/json-schema.js';
import { imageParams } from '../../../../routes/schemas/params.js';
import { guestPayload } from '../../../../routes/schemas/payloads.js';
import { routeTable } from '../../../../routes/table.js';

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  parameters?: { name: string; in: string; description?: string }[];
  responses: Record<string, { description: string }>;
}

const document = openApiDocument(routeTable);

const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
);

test('the document is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  t.true(valid, JSON.stringify(errors));
  t.is(validator.version, '3.1');
});

test('describes every route under a unique operation id', (t) => {
  t.deepEqual(
    operations.map(({ name }) => name).sort(),
    routeTable.map(({ method, path }) => `${method} ${path}`).sort(),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  t.deepEqual(ids, [...new Set(ids)]);
  t.true(ids.every((id) => /^[a-z]\w+$/.test(id)));
});

test('describes every route, parameter and response', (t) => {
  for (const { name, operation } of operations) {
    t.regex(operation.summary, /^\w.{5,80}$/, name);
    for (const parameter of operation.parameters ?? [])
      t.truthy(parameter.description, `${name}: ${parameter.name}`);
    for (const [status, { description }] of Object.entries(operation.responses))
      t.truthy(description, `${name}: ${status}`);
    t.true('default' in operation.responses);
  }
});

test('includes values that joi allows beside a pattern or a choice', (t) => {
  const { properties } = jsonSchemaOf(guestPayload) as {
    properties: Record<string, { enum?: unknown[]; anyOf?: unknown[] }>;
  };
  t.true(properties.type?.enum?.includes(null));
  t.deepEqual(properties.image?.anyOf?.at(-1), { const: '' });
});

test('keeps negative lookaheads in patterns valid for JSON Schema', (t) => {
  const { properties } = jsonSchemaOf(imageParams) as { properties: { imageID: { pattern: string } } };
  const pattern = new RegExp(properties.imageID.pattern, 'u');
  for (const id of ['debian-12', 'a/b', 'host:5000/x.y:1', 'a..b', 'a/.b']) t.regex(id, pattern);
  for (const id of ['a/../b', '..', 'a/..', 'a/./b', '../a', '-a', '.a']) t.notRegex(id, pattern);
});
