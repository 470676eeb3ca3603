import type { Context } from '../../lib/agent/context.js';
import type { DryRunQuery, Event, Reply } from '../../lib/model/endpoint.js';
import type { ScheduleDetails, ScheduleSpec } from '../../lib/model/schedule.js';
import { ok } from '../replies.js';

export const createSchedule = async (
  { payload, query: { dryRun } }: Event<unknown, DryRunQuery, ScheduleSpec>,
  { schedules }: Context,
): Promise<Reply<ScheduleDetails>> => ok(await schedules.create(payload, dryRun));
