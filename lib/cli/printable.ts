import type { ContainerSpec } from '../model/container/spec.js';
import { formatMb } from '../portable/format.js';
import { containerLines } from './container-words.js';

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hex = (control: string): string => control.charCodeAt(0).toString(16).padStart(2, '0');

/**
 * Escapes the control characters of a text that others wrote, such as a guest's name or a sub-agent's error, so that it
 * stays on one line and cannot control the terminal.
 */
export const escapeControls = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => ESCAPES[control] ?? `\\x${hex(control)}`);

/** Escapes the control characters of a text except its line feeds. */
export const escapeControlsPerLine = (text: string): string =>
  text.split('\n').map(escapeControls).join('\n');

/** Formats JSON for a terminal. JSON itself escapes only the control characters below U+0020. */
export const formatJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, (control) => `\\u00${hex(control)}`);

const isEmpty = (value: unknown): boolean =>
  value === '' || value === undefined || value === null || (Array.isArray(value) && value.length === 0);

const IN_MB = new Set(['memory', 'maxMemory', 'size', 'used']);

const scalarText = (key: string, value: unknown): string => {
  if (IN_MB.has(key) && typeof value === 'number') return formatMb(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const pairsText = (value: object): string =>
  Object.entries(value)
    .filter(([, inner]) => !isEmpty(inner))
    .map(([key, inner]) => `${key}=${scalarText(key, inner)}`)
    .join(' ');

const linesOf = (value: unknown): string[] => {
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'object' ? pairsText(item as object) : String(item)));
  return Object.entries(value as object).map(([key, inner]) =>
    typeof inner === 'object' && inner !== null
      ? `${key}: ${pairsText(inner)}`
      : `${key}=${scalarText(key, inner ?? 'none')}`,
  );
};

/** Formats the value of a key for a table cell, escaped. Arrays and objects take a line per item. */
export const formatValue = (value: unknown, key = ''): string => {
  if (isEmpty(value)) return '';
  if (typeof value !== 'object') return escapeControls(scalarText(key, value));
  const lines = key === 'container' ? containerLines(value as ContainerSpec) : linesOf(value);
  return lines.map(escapeControls).join('\n');
};
