import type { Context } from '../../lib/agent/context.js';
import type { Backup } from '../../lib/model/backup.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import { queryBackups } from '../../lib/runtime/actions/backup-queries.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';
import { guestFilter } from '../rights.js';

export interface BackupsQuery extends ListQuery {
  /** The id of a guest, which this host need not have. */
  guest?: string;
}

/** Lists the backups in the repository, also those of other hosts that share it. */
export const listBackups = async (
  event: Event<unknown, BackupsQuery>,
  context: Context,
): Promise<Reply<Backup[]>> => {
  const { query, signal } = event;
  const request = query.guest === undefined ? {} : { guest: query.guest };
  const { body, ...reply } = actionResult(await queryBackups(context.runtime, request, signal));
  const sees = guestFilter(event, context) ?? (() => true);
  return pageOfAll({ ...reply, body: body.filter(({ guest }) => sees(guest)) }, query);
};
