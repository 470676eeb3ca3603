import type { VolumeBackup } from '../../../model/volume-backup.js';
import { notFound } from '../../shared/errors.js';
import type { BackupDeps } from '../deps.js';
import { backupTag } from '../tags.js';
import { VOLUME_TAG, volumeBackupOf, volumeTag } from './tags.js';

/** A backup of a volume, and the id of the snapshot that has it. */
export interface StoredVolume {
  backup: VolumeBackup;
  snapshot: string;
}

type Deps = Pick<BackupDeps, 'repository' | 'runs' | 'records'>;

const listWith = async (
  { repository, runs, records }: Deps,
  tags: readonly string[],
  signal: AbortSignal,
): Promise<StoredVolume[]> => {
  const snapshots = await repository.snapshots(signal, [[VOLUME_TAG, ...tags]]);
  const found: StoredVolume[] = [];
  for (const snapshot of snapshots.filter((each) => runs.isGood(each))) {
    const known = volumeBackupOf(snapshot);
    if (!known) continue;
    const { data_added_packed: stored, total_bytes_processed: size } = snapshot.summary ?? {};
    const said = { ...(size === undefined ? {} : { size }), ...(stored === undefined ? {} : { stored }) };
    found.push({ snapshot: snapshot.id, backup: { ...known, ...said, ...(await records.read(known.id)) } });
  }
  return found;
};

/** Lists the backups of a volume, or of all, made by any host that uses the repository. */
export const listVolumeBackups = (
  deps: Deps,
  volume: string | undefined,
  signal: AbortSignal,
): Promise<StoredVolume[]> => listWith(deps, volume === undefined ? [] : [volumeTag(volume)], signal);

export const findVolumeBackup = async (
  deps: Deps,
  id: string,
  signal: AbortSignal,
): Promise<StoredVolume | undefined> => (await listWith(deps, [backupTag(id)], signal)).at(-1);

/** @throws {Refusal} `not_found` */
export const getVolumeBackup = async (deps: Deps, id: string, signal: AbortSignal): Promise<StoredVolume> => {
  const found = await findVolumeBackup(deps, id, signal);
  if (!found) throw notFound(`backup ${id} of a volume`);
  return found;
};
