import type { Backup } from '../../../model/backup.js';
import { isGoodBackup } from '../../../model/good-backup.js';
import { formatAge, formatBytes } from '../../../portable/format.js';

/** Says how old the newest backup is that can be restored; they come newest first. */
export const lastGoodText = (backups: readonly Backup[]): string => {
  const last = backups.find(isGoodBackup);
  if (last) return `${formatAge(last.created)}${last === backups[0] ? '' : ' (a newer one is damaged)'}`;
  return backups.length === 0 ? 'none' : 'none that is not damaged';
};

/** Says whether a backup was verified, and what is wrong with it. */
export const statusText = ({ problem, verified }: Backup): string => {
  if (problem) return problem;
  if (!verified) return 'not verified yet';
  return `${verified.ok ? 'verified' : 'damaged,'} ${formatAge(verified.at)}`;
};

/** Says what a backup took. */
export const amountText = ({ read, stored }: Backup): string =>
  [`${formatBytes(read)} read`, stored === undefined ? '' : `${formatBytes(stored)} stored`]
    .filter(Boolean)
    .join(', ');
