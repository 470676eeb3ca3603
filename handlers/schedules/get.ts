import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { ScheduleDetails } from '../../lib/model/schedule.js';
import { ok } from '../replies.js';

export interface ScheduleParams {
  scheduleID: string;
}

export const getSchedule = async (
  { params: { scheduleID } }: Event<ScheduleParams>,
  { schedules }: Context,
): Promise<Reply<ScheduleDetails>> => ok(schedules.get(scheduleID));
