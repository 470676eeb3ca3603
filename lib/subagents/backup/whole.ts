import type { SourceDisk } from '../../rpc/protocol/backup-disk-messages.js';
import type { LastBackup } from './guest-state.js';

/** The backup that a new one builds upon, or why there is none. */
export type Base = { last: Pick<LastBackup, 'backup' | 'disks'> } | { why: string };

/** Says why a disk must be read completely; `undefined` when its bitmap says what has changed since the last backup. */
export const whyWhole = (
  base: Base,
  { disk, size, bitmap, since, whole }: SourceDisk,
): string | undefined => {
  if ('why' in base) return base.why;
  const before = base.last.disks.find((other) => other.disk === disk);
  if (!before) return 'it is new';
  if (before.size !== size) return 'its size has changed';
  if (whole !== undefined) return whole;
  if (bitmap === undefined) return 'its changes are not tracked';
  return since === base.last.backup
    ? undefined
    : 'its changes are tracked since another backup than the last';
};

/** Puts the reasons of all disks into one sentence. */
export const describeWhole = (reasons: ReadonlyMap<string, string | undefined>): string | undefined => {
  const words = [...reasons].filter((entry): entry is [string, string] => entry[1] !== undefined);
  const [first] = words;
  if (!first) return undefined;
  const isSame = words.length === reasons.size && words.every(([, why]) => why === first[1]);
  return isSame ? first[1] : words.map(([disk, why]) => `disk ${disk}: ${why}`).join('; ');
};
