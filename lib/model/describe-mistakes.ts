import type { Context, ValidationError, ValidationErrorItem } from 'joi';

/** The units of numbers, by key. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['memory', 'MB'],
  ['maxMemory', 'MB'],
  ['size', 'MB'],
  ['wait', 's'],
  ['timeout', 's'],
  ['seconds', 's'],
  ['max_bytes', 'bytes'],
]);

/** The longest part of a value that a message quotes. */
const MAX_QUOTED = 64;

const cut = (text: string): string => (text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};

/** Formats a value for a message; of a list or an object, only its type. */
const show = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeOf(value);
};

/** What a mistake's values allow to say: joi's context, and the limit with its unit. */
interface Mistake extends Context {
  bound: string;
  unit: string | undefined;
}

const orList = (valids: readonly unknown[]): string =>
  valids
    .filter((valid) => valid !== '' && valid !== null)
    .map(String)
    .join(', ');

const count = (value: unknown): number =>
  Array.isArray(value) || typeof value === 'string' ? value.length : 0;

/**
 * What the value must be, and what it is, by joi's error type. Values of strings that can be secret are not quoted: a
 * wrong type or length says enough. Types that are not here keep joi's or the schema's own message.
 */
const EXPECTATIONS: Readonly<Record<string, (mistake: Mistake) => string>> = {
  'number.base': ({ unit, value }) =>
    `must be a number${unit === undefined ? '' : ` in ${unit}`}, got ${show(value)}`,
  'number.integer': ({ value }) => `must be a whole number, got ${show(value)}`,
  'number.min': ({ bound, value }) => `must be at least ${bound}, got ${show(value)}`,
  'number.max': ({ bound, value }) => `must be at most ${bound}, got ${show(value)}`,
  'number.positive': ({ value }) => `must be above 0, got ${show(value)}`,
  'number.port': ({ value }) => `must be a port from 0 to 65535, got ${show(value)}`,
  'number.unsafe': ({ value }) => `must be within ±${Number.MAX_SAFE_INTEGER}, got ${show(value)}`,
  'number.infinity': () => 'must be a finite number',
  'string.base': ({ value }) => `must be a string, got ${typeOf(value)}`,
  'string.empty': () => 'must not be empty',
  'string.min': ({ bound, value }) => `must have at least ${bound} characters, got ${count(value)}`,
  'string.max': ({ bound, value }) => `must have at most ${bound} characters, got ${count(value)}`,
  'string.guid': ({ value }) => `must be a UUID, got ${show(value)}`,
  'string.pattern.name': ({ name, value }) => `must ${name}, got ${show(value)}`,
  'boolean.base': ({ value }) => `must be true or false, got ${show(value)}`,
  'object.base': ({ value }) => `must be an object, got ${show(value)}`,
  'array.base': ({ value }) => `must be a list, got ${show(value)}`,
  'array.min': ({ bound, value }) => `must have at least ${bound} items, got ${count(value)}`,
  'array.max': ({ bound, value }) => `must have at most ${bound} items, got ${count(value)}`,
  'any.only': ({ valids, value }) => `must be one of ${orList(valids)}, got ${show(value)}`,
};

/** Says what a schema rejected, with the value: `"memory" must be at least 1 MB, got 0`. */
export const describeMistake = (
  { type, path, message, context = {} }: ValidationErrorItem,
  label: (name: string) => string = (name) => `"${name}"`,
): string => {
  const expectation = EXPECTATIONS[type];
  if (expectation === undefined) return message;
  const unit = type.startsWith('number.') ? UNITS.get(String(path.at(-1))) : undefined;
  const bound = [context.limit, unit].filter((part) => part !== undefined).join(' ');
  return `${label(context.label ?? 'value')} ${expectation({ ...context, bound, unit })}`;
};

/** Says everything that a schema rejected, on one line. */
export const describeMistakes = ({ details }: ValidationError): string =>
  details.map((detail) => describeMistake(detail)).join('; ');
