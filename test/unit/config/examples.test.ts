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

/** Every key that the JSON Schema knows of, whatever it is in. */
const keysOf = (schema: unknown): string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties, patternProperties, items } = schema as Record<string, Record<string, unknown>>;
  return [
    ...Object.keys(properties ?? {}),
    ...Object.values({ ...properties, ...patternProperties, items }).flatMap(keysOf),
  ];
};

/** As editors do it. */
const validator = () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  return ajv.compile(configJsonSchema() as object);
};

const known = keysOf(configJsonSchema()).filter((key) => key !== '$schema');

test('the annotated example can be used', async (t) => {
  const { warnings, services } = await loadConfig([pathOf('example.yaml')]);
  t.deepEqual(warnings, []);
  t.true(services.has('dns'));
});

test('the annotated example shows every key', async (t) => {
  const example = await read('example.yaml');
  t.true(known.length > 20);
  t.deepEqual(
    known.filter((key) => !new RegExp(`^[\\s-]*${key}:`, 'm').test(example)),
    [],
  );
});

test('the JSON Schema that editors use is what the agent validates with: npm run config-schema', async (t) => {
  t.deepEqual(JSON.parse(await read(CONFIG_SCHEMA_FILE)), configJsonSchema());
});

for (const name of ['agent.json', 'zfs.json', 'test-service.json', 'dev.json', 'example.yaml'])
  test(`${name} is what the JSON Schema asks for`, async (t) => {
    const validate = validator();
    t.true(validate(parse(await read(name))), JSON.stringify(validate.errors));
  });

test('the JSON Schema marks a key or an action that there is not', (t) => {
  const validate = validator();
  t.false(validate({ dbpaht: '/srv' }));
  t.false(validate({ actions: { frobnicate: { stages: [] } } }));
});
