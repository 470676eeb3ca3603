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

/** Enough of a UUID to tell it by, and to name it with. */
export const shortId = (id: string): string => (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id.slice(0, 8) : id);

const isEmpty = (value: unknown): boolean =>
  value === '' || value === undefined || value === null || (Array.isArray(value) && value.length === 0);

const pairs = (value: object): string =>
  Object.entries(value)
    .filter(([, part]) => !isEmpty(part))
    .map(([key, part]) => `${key}=${typeof part === 'object' ? JSON.stringify(part) : part}`)
    .join(' ');

/** Any value as a cell of a table: what is in arrays and hashes a line each. */
export const formatValue = (value: unknown): string => {
  if (isEmpty(value)) return '';
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'object' ? pairs(item as object) : String(item))).join('\n');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value as object)
    .map(([key, part]) => (typeof part === 'object' ? `${key}: ${pairs(part as object)}` : `${key}=${part}`))
    .join('\n');
};
