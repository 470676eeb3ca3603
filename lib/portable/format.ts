import { NO_TIME } from '../model/job.js';
import { isUuid } from './uuid.js';

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

/**
 * Formats a size: `1.5 GB`.
 * @param mb in 2^20 bytes; empty for `undefined`
 */
export const formatMb = (mb: number | undefined): string =>
  mb === undefined ? '' : scaled(mb, 1024, ['MB', 'GB', 'TB']);

export const formatBytes = (bytes: number): string => scaled(bytes, 1024, ['B', 'KB', 'MB', 'GB', 'TB']);

/** Formats a duration: `30 s`, `5 min`. */
export const formatSeconds = (seconds: number): string => {
  if (seconds < 60) return `${round(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : scaled(seconds / 3600, 24, ['h', 'd']);
};

/** Formats how long ago an RFC 3339 time was; empty for `NO_TIME`. */
export const formatAge = (time: string, now = Date.now()): string =>
  time === NO_TIME ? '' : `${formatSeconds(Math.max(0, Math.round((now - Date.parse(time)) / 1000)))} ago`;

const BASE_OF_CLONES = /^(linked\/[0-9a-f]{8})[0-9a-f-]{28}(\/.*)$/;
const MAX_BASE = 40;

/**
 * Shortens the id of an image that linked clones build on, which no user types and which has 80 characters or more:
 * `linked/6a7e3c52…/disk-0@clean.17229432…`. Returns any other id unchanged.
 */
export const shortImageId = (id: string): string => {
  const short = id.replace(BASE_OF_CLONES, '$1…$2');
  return short === id || short.length <= MAX_BASE ? short : `${short.slice(0, MAX_BASE - 1)}…`;
};

/** Shortens a UUID to its first eight digits; returns anything else unchanged. */
export const shortId = (id: string): string => (isUuid(id) ? id.slice(0, 8) : id);
