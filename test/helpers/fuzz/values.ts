import type { Description } from 'joi';
import type { Random } from '../random.js';

/** Texts that have broken programs before. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%00',
  '\0',
  '%',
  '%zz',
  '%ff%fe',
  'a\r\nX-Evil: 1',
  '-rf',
  '--help',
  '$(id)',
  '`id`',
  "'; DROP TABLE guests; --",
  '<script>alert(1)</script>',
  '&lt;!ENTITY x SYSTEM "file:///etc/passwd"&gt;',
  '__proto__',
  'constructor',
  'toString',
  '$where',
  'a.b',
  'a@b',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '00000000-0000-0000-0000-000000000000',
  '\u202e\u2028\u0085',
  '\ud800',
  'ü'.repeat(300),
  'x'.repeat(256),
  'x'.repeat(5000),
  '*',
  '[object Object]',
];

export const HOSTILE_VALUES: readonly unknown[] = [
  ...HOSTILE_TEXTS,
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  [],
  {},
  [[[[[[]]]]]],
  { __proto__x: 1, constructor: { prototype: 1 } },
  Array.from({ length: 2000 }, (_, n) => n),
];

/** Makes a value that roughly fits a joi schema, from its examples, allowed values or type. */
export const valueFor = (description: Description, random: Random, depth = 0): unknown => {
  const { type, keys, items, examples, allow } = description as Description & {
    keys?: Record<string, Description>;
    items?: Description[];
    examples?: unknown[];
    allow?: unknown[];
  };
  if (random.chance(0.04)) return random.pick(HOSTILE_VALUES);
  if (examples && random.chance(0.7)) return random.pick(examples);
  if (allow && random.chance(0.2))
    return random.pick(allow.filter((each) => typeof each !== 'object' || !each));
  if (keys && depth < 6) {
    const chosen = Object.entries(keys).filter(() => random.chance(0.5));
    return Object.fromEntries(chosen.map(([key, each]) => [key, valueFor(each, random, depth + 1)]));
  }
  switch (type) {
    case 'number':
      return random.pick([1, 2, 64, 0, -1, 1.5, 4096, 2 ** 31]);
    case 'boolean':
      return random.pick([true, false, 'true', 'no']);
    case 'array':
      return Array.from({ length: random.below(4) }, () => valueFor(items?.[0] ?? {}, random, depth + 1));
    case 'object':
      return { owner: 'ops', [random.pick(HOSTILE_TEXTS)]: random.pick(HOSTILE_VALUES) };
    default:
      return random.chance(0.7)
        ? random.pick(['a', 'monday', 'vda', 'br0', 'x1'])
        : random.pick(HOSTILE_TEXTS);
  }
};

/** Changes one thing somewhere in a value. */
export const mutated = (value: unknown, random: Random): unknown => {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return random.pick(HOSTILE_VALUES);
  const entries = Object.entries(value);
  const index = random.below(entries.length + 1);
  const [key, old] = entries[index] ?? [random.pick(HOSTILE_TEXTS), null];
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value };
  if (random.chance(0.2)) delete (copy as Record<string, unknown>)[key];
  else
    Object.defineProperty(copy, key, {
      value: mutated(old, random),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
};

/** Serializes a value as a JSON body, sometimes with a mistake. */
export const bodyText = (value: unknown, random: Random): string => {
  const json = JSON.stringify(value) ?? '';
  const at = random.below(json.length + 1);
  if (random.chance(0.8)) return json;
  return random.pick([
    () => json.slice(0, at),
    () => `${json.slice(0, at)}${random.pick(['"', '{', '\0', ',', '\u2028', '}', '\\'])}${json.slice(at)}`,
    () => `${json}${json}`,
    () => '['.repeat(20_000),
    () => '{"a":'.repeat(5000),
    () => `{"__proto__":{"memory":1},${json.slice(1)}`,
    () => `{"memory":1,"memory":2}`,
    () => `\ufeff${json}`,
    () => 'x'.repeat(random.chance(0.1) ? 1_100_000 : 1000),
    () => '1e400',
  ])();
};
