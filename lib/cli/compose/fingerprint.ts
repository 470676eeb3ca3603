import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import type { GuestSpec } from '../../client/index.js';

const SALT_BYTES = 16;
const BYTES = 32;

const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const derive = (spec: GuestSpec, salt: Buffer): Buffer =>
  scryptSync(JSON.stringify(spec, sorted), salt, BYTES);

/** Sums a spec up, slowly and with a salt: it may contain secrets, and clients can read the sum in the metadata. */
export const fingerprint = (spec: GuestSpec): string => {
  const salt = randomBytes(SALT_BYTES);
  return `${salt.toString('hex')}:${derive(spec, salt).toString('hex')}`;
};

/** Whether a fingerprint is that of a spec. */
export const matches = (print: string | undefined, spec: GuestSpec): boolean => {
  const [salt = '', sum = ''] = (print ?? '').split(':');
  const expected = Buffer.from(sum, 'hex');
  return expected.length === BYTES && timingSafeEqual(expected, derive(spec, Buffer.from(salt, 'hex')));
};
