import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import type { ScheduleDetails, SchedulePatch } from '../../lib/model/schedule.js';
import { ok } from '../replies.js';
import type { ScheduleParams } from './get.js';

/** Changes a schedule; a dry run also shows what its new retention would delete. */
export const patchSchedule = async (
  { params: { scheduleID }, payload, query: { dryRun } }: Event<ScheduleParams, DryRunQuery, SchedulePatch>,
  { schedules }: Context,
): Promise<Reply<ScheduleDetails>> => ok(await schedules.change(scheduleID, payload, dryRun));
