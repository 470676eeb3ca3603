import type { Context } from '../../../lib/agent/context.js';
import type { Backup } from '../../../lib/model/backup.js';
import type { Event, GuestParams, ListQuery, Reply } from '../../../lib/model/endpoint.js';
import { queryBackups } from '../../../lib/runtime/actions/backup-queries.js';
import { pageOfAll } from '../../pages.js';
import { actionResult } from '../../replies.js';

export const listGuestBackups = async (
  { params, query, signal }: Event<GuestParams, ListQuery>,
  { guests, runtime }: Context,
): Promise<Reply<Backup[]>> => {
  const { id: guest } = guests.get(params.guestID);
  return pageOfAll(actionResult(await queryBackups(runtime, { guest }, signal)), query);
};
