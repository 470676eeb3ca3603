import { mbOf } from '../../portable/size.js';

/** A value that is not what its key takes. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue';
}

const wrong = (wanted: string): never => {
  throw new WrongValue(wanted);
};

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const fieldsOf = (value: unknown): Fields =>
  isFields(value) ? value : wrong('give keys with values');

/**
 * Requires that nothing is left of a value once the keys that are supported are taken out of it.
 * @param nameOf names a key that is not supported
 */
export const requireNoOthers = (others: Fields, nameOf = (key: string): string => key): void => {
  const [other] = Object.keys(others);
  if (other !== undefined) throw new WrongValue(`${nameOf(other)} is not supported`);
};

export const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : wrong('give a text');

export const flagOf = (value: unknown): boolean =>
  typeof value === 'boolean' ? value : wrong('give true or false');

export const numberOf = (value: unknown): number => {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : wrong('give a number');
};

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : wrong('give a list'));

export const textsOf = (value: unknown): string[] => listOf(value).map(textOf);

/** A list, or its only item. */
export const someOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

export const wordsOf = (value: unknown): string[] | string =>
  typeof value === 'string' ? value : textsOf(value);

/** Reads `{A: 1}` or `[A=1]`. A name without a value gets that of `env`, or is left out. */
export const pairsOf = (value: unknown, env: NodeJS.ProcessEnv = {}): Record<string, string> => {
  const pairs: [string, unknown][] = Array.isArray(value)
    ? textsOf(value).map((text): [string, unknown] => {
        const at = text.indexOf('=');
        return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
      })
    : Object.entries(fieldsOf(value));
  const filled = pairs.flatMap(([name, given]): [string, string][] => {
    const text = given === null ? env[name] : typeof given === 'boolean' ? String(given) : textOf(given);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(filled);
};

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 0.000_001 };

/** Reads a duration such as `1m30s` in whole seconds, rounded up. */
export const secondsOf = (value: unknown): number => {
  const text = textOf(value);
  if (!/^(\d+(\.\d+)?(h|ms|us|m|s))+$/.test(text)) return wrong('give a duration such as 10s or 1m30s');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|m|s)/g)];
  return Math.ceil(
    parts.reduce((sum, [, digits, unit = '']) => sum + Number(digits) * (UNITS[unit] ?? 0), 0),
  );
};

/** Reads a size such as `512m`, `1gb` or bytes, in MB, rounded up. */
export const megabytesOf = (value: unknown): number => {
  const text = textOf(value);
  const [, kilobytes] = /^(\d+) ?kb?$/i.exec(text) ?? [];
  const [, bytes] = /^(\d+)b?$/i.exec(text) ?? [];
  if (kilobytes !== undefined) return Math.ceil(Number(kilobytes) / 1024);
  if (bytes !== undefined) return Math.ceil(Number(bytes) / 2 ** 20);
  return mbOf(text) ?? wrong('give a size such as 512m or 1g');
};
