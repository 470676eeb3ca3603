import type { Mistakes, Value } from './pod.js';

const VARIABLE = /\$(?:\$|(\w+)|\{(\w+)(?::-([^${}]*))?\}|)/g;

/** Fills in `$NAME`, `${NAME}` and `${NAME:-default}`; `$$` is a dollar sign. Everything else with a `$` is a mistake. */
const fill = (text: string, at: string, env: NodeJS.ProcessEnv, mistakes: Mistakes): string =>
  text.replace(VARIABLE, (found: string, plain?: string, braced?: string, fallback?: string) => {
    if (found === '$$') return '$';
    const name = plain ?? braced;
    if (name === undefined) {
      mistakes.add(at, 'a variable is $NAME or, in braces, NAME or NAME:-default; $$ is a dollar sign');
      return '';
    }
    const value = env[name];
    if (fallback !== undefined) return value || fallback;
    if (value === undefined)
      mistakes.add(at, `the variable ${name} is not set in the environment (a file .env is not read)`);
    return value ?? '';
  });

/** Fills in the variables of all texts of a value. Keys stay as they are. */
export const interpolate = ({ value, at }: Value, env: NodeJS.ProcessEnv, mistakes: Mistakes): unknown => {
  if (typeof value === 'string') return fill(value, at, env, mistakes);
  if (Array.isArray(value))
    return value.map((item, index) => interpolate({ value: item, at: `${at}[${index}]` }, env, mistakes));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      interpolate({ value: item, at: at === '' ? key : `${at}.${key}` }, env, mistakes),
    ]),
  );
};
