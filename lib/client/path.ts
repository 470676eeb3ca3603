import { MistifyError } from './errors.js';

const segment = (value: string): string => {
  if (value === '' || value === '.' || value === '..')
    throw new MistifyError(400, `"${value}" is no id or name`);
  return encodeURIComponent(value);
};

/** A path whose values are each one segment of it: path`/guests/${id}`. */
export const path = (parts: TemplateStringsArray, ...values: string[]): string =>
  parts.reduce((joined, part, index) => `${joined}${segment(values[index - 1] ?? '')}${part}`);
