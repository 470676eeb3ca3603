import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import type { ScheduleDetails } from '../../lib/model/schedule.js';
import { ok } from '../replies.js';
import type { ScheduleParams } from './get.js';

/** Deletes a schedule, but nothing that it has made. */
export const deleteSchedule = async (
  { params: { scheduleID }, query: { dryRun } }: Event<ScheduleParams, DryRunQuery>,
  { schedules }: Context,
): Promise<Reply<ScheduleDetails>> => ok(await schedules.remove(scheduleID, dryRun));
