import type { Verification } from '../model/backup.js';
import { formatAge, formatBytes } from '../portable/format.js';

/** Formats a number of bytes that may not be known. */
export const bytesText = (count: number | undefined): string =>
  count === undefined ? '' : formatBytes(count);

/** Says whether a backup was verified, and what is wrong with it. */
export const verificationText = ({
  verified,
  problem,
}: {
  verified?: Verification;
  problem?: string;
}): string => {
  if (problem) return problem;
  if (!verified) return '';
  return `${verified.ok ? 'verified' : 'damaged'} ${formatAge(verified.at)}`;
};
