import { createSchedule } from '../handlers/schedules/create.js';
import { deleteSchedule } from '../handlers/schedules/delete.js';
import { getSchedule } from '../handlers/schedules/get.js';
import { listSchedules } from '../handlers/schedules/list.js';
import { patchSchedule } from '../handlers/schedules/patch.js';
import { runSchedule } from '../handlers/schedules/run.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { scheduleParams } from './schemas/params.js';
import { schedulePatchPayload, schedulePayload } from './schemas/payloads.js';
import { dryRunQuery, schedulesQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const details = (description: string) => ({ status: 200, description, schema: replies.schedule }) as const;

export const scheduleRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/schedules',
    operationId: 'listSchedules',
    summary: 'List the schedules of the host',
    can: 'look',
    tags: ['schedules'],
    query: schedulesQuery,
    reply: { status: 200, description: 'Schedules, oldest first', schema: replies.schedules },
    handler: listSchedules,
  }),
  route({
    method: 'POST',
    path: '/schedules',
    operationId: 'createSchedule',
    summary: 'Create a schedule',
    can: 'host',
    tags: ['schedules'],
    query: dryRunQuery,
    payload: schedulePayload,
    reply: details('The schedule'),
    handler: createSchedule,
  }),
  route({
    method: 'GET',
    path: '/schedules/{scheduleID}',
    operationId: 'getSchedule',
    summary: 'Get a schedule, what it has made, and what retention would delete now',
    can: 'look',
    tags: ['schedules'],
    params: scheduleParams,
    reply: details('The schedule with its guests'),
    handler: getSchedule,
  }),
  route({
    method: 'PATCH',
    path: '/schedules/{scheduleID}',
    operationId: 'patchSchedule',
    summary: 'Change a schedule; a dry run shows what its new retention would delete',
    can: 'host',
    tags: ['schedules'],
    params: scheduleParams,
    query: dryRunQuery,
    payload: schedulePatchPayload,
    reply: details('The schedule after the change'),
    handler: patchSchedule,
  }),
  route({
    method: 'DELETE',
    path: '/schedules/{scheduleID}',
    operationId: 'deleteSchedule',
    summary: 'Delete a schedule, but nothing that it has made',
    can: 'host',
    tags: ['schedules'],
    params: scheduleParams,
    query: dryRunQuery,
    reply: details('The schedule as it was'),
    handler: deleteSchedule,
  }),
  route({
    method: 'POST',
    path: '/schedules/{scheduleID}/run',
    operationId: 'runSchedule',
    summary: 'Begin a run of a schedule now',
    can: 'host',
    tags: ['schedules'],
    params: scheduleParams,
    query: dryRunQuery,
    payload: 'ignored',
    reply: details('The schedule, with the runs that began'),
    handler: runSchedule,
  }),
];
