import { mbOf, SIZE_HINT } from '../../portable/size.js';
import { h } from './dom.js';

export type Input = HTMLInputElement;

/** Creates a field for a line of text that no browser completes or corrects. */
export const textInput = (attributes: Record<string, string | boolean> = {}): Input =>
  h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });

export const checkbox = (isOn: boolean): HTMLInputElement => {
  const element = h('input', { type: 'checkbox' });
  element.checked = isOn;
  return element;
};

/** Creates a field for several lines of code. */
export const codeArea = (attributes: Record<string, string> = {}, value = ''): HTMLTextAreaElement => {
  const area = h('textarea', { rows: '2', spellcheck: 'false', class: 'mono', ...attributes });
  area.value = value;
  return area;
};

/**
 * Reads a size in MB.
 * @throws {Error} that quotes the key, as the agent's messages do
 */
export const sizeIn = (input: Input, key: string): number | undefined => {
  if (input.value.trim() === '') return undefined;
  const size = mbOf(input.value.trim());
  if (size === undefined) throw new Error(`"${key}" is not a size: ${SIZE_HINT}`);
  return size;
};

/** Reads the text of a field; `undefined` for none. */
export const textIn = ({ value }: Input | HTMLTextAreaElement): string | undefined =>
  value.trim() || undefined;

/** Returns a list or an object that has anything in it; `undefined` for any other. */
export const filled = <Value extends object>(value: Value): Value | undefined =>
  Object.keys(value).length > 0 ? value : undefined;

/** Reads different words, separated by commas. */
export const listOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((word) => word.trim())
      .filter(Boolean),
  ),
];

/** Marks the fields that an error of the agent names: validation errors quote the key. */
export const markInvalid = (message: string, fields: ReadonlyMap<string, HTMLElement>): void => {
  const named = new Set([...message.matchAll(/"(\w+)/g)].map(([, key]) => key));
  for (const [name, element] of fields) element.setAttribute('aria-invalid', String(named.has(name)));
  const first = [...fields].find(([name]) => named.has(name));
  first?.[1].focus();
};
