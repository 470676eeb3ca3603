import { NO_TIME } from '../model/job.js';

const round = (value: number): string => String(Number(value.toFixed(value < 10 ? 1 : 0)));

const scaled = (value: number, base: number, units: readonly string[]): string => {
  let scale = value;
  let unit = 0;
  while (scale >= base && unit < units.length - 1) {
    scale /= base;
    unit += 1;
  }
  return `${round(scale)} ${units[unit]}`;
};

/** @param mb 2^20 bytes */
export const formatMb = (mb: number | undefined): string =>
  mb === undefined ? '' : scaled(mb, 1024, ['MB', 'GB', 'TB']);

export const formatBytes = (bytes: number): string => scaled(bytes, 1024, ['B', 'KB', 'MB', 'GB', 'TB']);

/** @param seconds of a length of time */
export const formatSeconds = (seconds: number): string => {
  if (seconds < 60) return `${round(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : scaled(seconds / 3600, 24, ['h', 'd']);
};

/** How long ago an RFC 3339 time was; empty when it has not come. */
export const formatAge = (time: string, now = Date.now()): string =>
  time === NO_TIME ? '' : `${formatSeconds(Math.max(0, Math.round((now - Date.parse(time)) / 1000)))} ago`;

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hex = (control: string): string => control.charCodeAt(0).toString(16).padStart(2, '0');

/**
 * A text that others wrote, such as a guest's name or a sub-agent's error, as it may be shown on a terminal: on one
 * line, and with its control characters, which could do anything there, as escapes.
 */
export const visible = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => ESCAPES[control] ?? `\\x${hex(control)}`);

/** The same for a text of several lines, which stay. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** As JSON that does nothing to a terminal: of the control characters JSON itself escapes only those below U+0020. */
export const formatJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, (control) => `\\u00${hex(control)}`);

/** Enough of a UUID to tell it by, and to name it with. */
export const shortId = (id: string): string => (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id.slice(0, 8) : id);

const isEmpty = (value: unknown): boolean =>
  value === '' || value === undefined || value === null || (Array.isArray(value) && value.length === 0);

const IN_MB = new Set(['memory', 'size']);

const part = (key: string, value: unknown): string => {
  if (IN_MB.has(key) && typeof value === 'number') return formatMb(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const pairs = (value: object): string =>
  Object.entries(value)
    .filter(([, inner]) => !isEmpty(inner))
    .map(([key, inner]) => `${key}=${part(key, inner)}`)
    .join(' ');

const linesOf = (value: unknown): string[] => {
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'object' ? pairs(item as object) : String(item)));
  return Object.entries(value as object).map(([key, inner]) =>
    typeof inner === 'object' ? `${key}: ${pairs(inner as object)}` : `${key}=${part(key, inner)}`,
  );
};

/** Any value of a key as a cell of a table, made visible: what is in arrays and hashes a line each. */
export const formatValue = (value: unknown, key = ''): string => {
  if (isEmpty(value)) return '';
  return typeof value === 'object' ? linesOf(value).map(visible).join('\n') : visible(part(key, value));
};
