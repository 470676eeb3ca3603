import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { VolumeBackup } from '../../lib/model/volume-backup.js';
import { queryVolumeBackups } from '../../lib/runtime/actions/volume-backups.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';

export interface VolumeBackupsQuery extends ListQuery {
  /** The name of a volume, which this host need not have. */
  volume?: string;
}

/** Lists the backups of volumes in the repository, also those of other hosts that share it. */
export const listVolumeBackups = async (
  { query, signal }: Event<unknown, VolumeBackupsQuery>,
  { runtime }: Context,
): Promise<Reply<VolumeBackup[]>> => {
  const request = query.volume === undefined ? {} : { volume: query.volume };
  return pageOfAll(actionResult(await queryVolumeBackups(runtime, request, signal)), query);
};
