import type { VolumeBackup } from '../../../model/volume-backup.js';
import type { Snapshot } from '../restic/snapshots.js';
import { backupTag, decodeTag, encodeTag, readTags, runTag } from '../tags.js';

/** The tag of a snapshot that has a volume of containers. */
export const VOLUME_TAG = 'mistify-volume';

/** The only file of such a snapshot. */
export const ARCHIVE = 'volume.tar';

/** What is known of a backup before restic stores it. */
export type NewVolumeBackup = Omit<VolumeBackup, 'size' | 'stored' | 'verified' | 'problem'>;

export const volumeTag = (volume: string): string => `volume=${volume}`;

/** Describes a backup by tags, which `restic snapshots` shows without reading anything else. */
export const volumeTagsOf = (backup: NewVolumeBackup, run: string): string[] => [
  VOLUME_TAG,
  backupTag(backup.id),
  runTag(run),
  volumeTag(backup.volume),
  `host=${encodeTag(backup.host)}`,
  `created=${backup.created}`,
  `consistency=${backup.consistency}`,
  ...Object.entries(backup.labels ?? {}).map(([key, value]) => `label=${encodeTag(key)}=${encodeTag(value)}`),
];

const labelsIn = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    texts.map((text) => {
      const [key = '', value = ''] = text.split('=');
      return [decodeTag(key), decodeTag(value)];
    }),
  );

/** Reads the tags of a snapshot; `undefined` when it is no backup of a volume. */
export const volumeBackupOf = ({ tags = [], time }: Snapshot): NewVolumeBackup | undefined => {
  const all = readTags(tags);
  const first = (key: string): string | undefined => all(key)[0];
  const [id, volume] = [first('backup'), first('volume')];
  if (!tags.includes(VOLUME_TAG) || id === undefined || volume === undefined) return undefined;
  const labels = labelsIn(all('label'));
  return {
    ...{ id, volume },
    host: decodeTag(first('host') ?? ''),
    created: first('created') ?? time,
    consistency: first('consistency') === 'still' ? 'still' : 'changing',
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  };
};
