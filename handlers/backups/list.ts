import type { Context } from '../../lib/agent/context.js';
import type { Backup } from '../../lib/model/backup.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import { queryBackups } from '../../lib/runtime/actions/backup-queries.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';

export interface BackupsQuery extends ListQuery {
  /** The id of a guest, which this host need not have. */
  guest?: string;
}

/** Lists the backups in the repository, also those of other hosts that share it. */
export const listBackups = async (
  { query, signal }: Event<unknown, BackupsQuery>,
  { runtime }: Context,
): Promise<Reply<Backup[]>> => {
  const request = query.guest === undefined ? {} : { guest: query.guest };
  return pageOfAll(actionResult(await queryBackups(runtime, request, signal)), query);
};
