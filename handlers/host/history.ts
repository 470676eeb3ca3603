import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { History, HistoryRange } from '../../lib/model/history.js';
import { ok } from '../replies.js';

export interface HistoryQuery {
  range: HistoryRange;
}

/** Returns what the host has had to do over the last hour, day or month. */
export const getHostHistory = async (
  { query: { range } }: Event<unknown, HistoryQuery>,
  { history }: Context,
): Promise<Reply<History>> => ok(await history.ofHost(range));
