import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import test from 'ava';
import { parse } from 'yaml';
import { CONFIG_SCHEMA_FILE, configJsonSchema } from '../../../lib/config/json-schema.js';
import { loadConfig } from '../../../lib/config/load.js';
import { packageRoot } from '../../../lib/files/package-root.js';

const pathOf = (name: string): string => join(packageRoot, 'config', name);
const read = (name: string): Promise<string> => readFile(pathOf(name), 'utf8');

/** Lists every key of the JSON Schema, at any depth. */
const keysOf = (schema: unknown): string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties, patternProperties, items } = schema as Record<string, Record<string, unknown>>;
  return [
    ...Object.keys(properties ?? {}),
    ...Object.values({ ...properties, ...patternProperties, items }).flatMap(keysOf),
  ];
};

/** Validates as editors do. */
const validator = () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  return ajv.compile(configJsonSchema() as object);
};

const knownKeys = keysOf(configJsonSchema()).filter((key) => key !== '$schema');

test('loads the annotated example without a warning', async (t) => {
  const { warnings, services } = await loadConfig([pathOf('example.yaml')]);
  t.deepEqual(warnings, []);
  t.true(services.has('dns'));
});

test('the annotated example has every key', async (t) => {
  const example = await read('example.yaml');
  t.true(knownKeys.length > 20);
  t.deepEqual(
    knownKeys.filter((key) => !new RegExp(`^[\\s-]*${key}:`, 'm').test(example)),
    [],
  );
});

test('config/schema is up to date: npm run config-schema rewrites it', async (t) => {
  t.deepEqual(JSON.parse(await read(CONFIG_SCHEMA_FILE)), configJsonSchema());
});

for (const name of ['agent.json', 'zfs.json', 'demo.json', 'test-service.json', 'dev.json', 'example.yaml'])
  test(`${name} satisfies the JSON Schema`, async (t) => {
    const validate = validator();
    t.true(validate(parse(await read(name))), JSON.stringify(validate.errors));
  });

test('the JSON Schema rejects an unknown key and an unknown action', (t) => {
  const validate = validator();
  t.false(validate({ dbpaht: '/srv' }));
  t.false(validate({ actions: { frobnicate: { stages: [] } } }));
});
