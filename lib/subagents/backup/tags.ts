import type { Backup } from '../../model/backup.js';
import type { Consistency } from '../../model/snapshot.js';
import type { Snapshot } from './restic/snapshots.js';

/** The tag of a snapshot that is a whole backup. */
export const BACKUP_TAG = 'mistify-backup';
/** The tag of a snapshot of a part of a first backup. */
export const PART_TAG = 'mistify-part';

export const runTag = (run: string): string => `run=${run}`;
export const backupTag = (backup: string): string => `backup=${backup}`;

/** What is known of a backup before restic stores it. */
export type NewBackup = Omit<Backup, 'stored' | 'verified' | 'problem' | 'size'>;

/** Describes a backup as clients see it. @param stored the bytes that it added to the repository, where they are known */
export const withSize = (backup: NewBackup, stored: number | undefined): Backup => ({
  ...backup,
  size: backup.disks.reduce((sum, { size }) => sum + size, 0),
  ...(stored === undefined ? {} : { stored }),
});

/** Tags may not contain commas: restic's notation of a list of them. */
export const encodeTag = (text: string): string => encodeURIComponent(text).replaceAll('%20', ' ');

export const decodeTag = decodeURIComponent;

/** Returns a function that lists the values of the tags `KEY=VALUE` by their key. */
export const readTags =
  (tags: readonly string[]) =>
  (key: string): string[] =>
    tags.filter((tag) => tag.startsWith(`${key}=`)).map((tag) => tag.slice(key.length + 1));

/** Describes a backup by tags, which `restic snapshots` shows without reading anything else. */
export const tagsOf = (backup: NewBackup, run: string): string[] => [
  BACKUP_TAG,
  backupTag(backup.id),
  runTag(run),
  ...(backup.name === undefined ? [] : [`name=${encodeTag(backup.name)}`]),
  `host=${encodeTag(backup.host)}`,
  `created=${backup.created}`,
  `consistency=${backup.consistency}`,
  `read=${backup.read}`,
  ...(backup.whole === undefined ? [] : [`whole=${encodeTag(backup.whole)}`]),
  ...backup.disks.map(({ disk, size }) => `disk=${disk}:${size}`),
];

/** Reads the tags of a snapshot; `undefined` when it is no backup. */
export const backupOf = ({ hostname, tags = [], time }: Snapshot): NewBackup | undefined => {
  const all = readTags(tags);
  const first = (key: string): string | undefined => all(key)[0];
  const id = first('backup');
  if (!tags.includes(BACKUP_TAG) || id === undefined) return undefined;
  const [name, whole] = [first('name'), first('whole')];
  const consistency: Consistency = all('consistency').includes('filesystem') ? 'filesystem' : 'crash';
  return {
    id,
    guest: hostname,
    ...(name === undefined ? {} : { name: decodeTag(name) }),
    host: decodeTag(first('host') ?? ''),
    created: first('created') ?? time,
    consistency,
    read: Number(first('read') ?? 0),
    ...(whole === undefined ? {} : { whole: decodeTag(whole) }),
    disks: all('disk').map((text) => {
      const [disk = '', size] = text.split(':');
      return { disk, size: Number(size) };
    }),
  };
};
