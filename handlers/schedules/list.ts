import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { ScheduleStatus } from '../../lib/model/schedule.js';
import { pageOfAll } from '../pages.js';
import { ok } from '../replies.js';

export const listSchedules = async (
  { query }: Event<unknown, ListQuery>,
  { schedules }: Context,
): Promise<Reply<ScheduleStatus[]>> => pageOfAll(ok(schedules.list()), query);
