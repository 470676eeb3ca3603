import { MistifyError } from './errors.js';

const segment = (value: string): string => {
  if (value === '' || value === '.' || value === '..')
    throw new MistifyError(400, `"${value}" is not an id or a name`);
  return encodeURIComponent(value);
};

/**
 * Builds a path in which each value is one encoded segment: path`/guests/${id}`.
 * @throws {MistifyError} 400 when a value would change the path: empty, `.` or `..`
 */
export const path = (parts: TemplateStringsArray, ...values: string[]): string =>
  parts.reduce((joined, part, index) => `${joined}${segment(values[index - 1] ?? '')}${part}`);
