import { getGuestJob } from '../handlers/guests/jobs/get.js';
import { listGuestJobs } from '../handlers/guests/jobs/list.js';
import { cancelJob } from '../handlers/jobs/cancel.js';
import { getJob } from '../handlers/jobs/get.js';
import { listJobs } from '../handlers/jobs/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { guestJobParams, guestParams, jobParams } from './schemas/params.js';
import { dryRunQuery, jobsQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const list = { status: 200, description: 'Jobs, newest first', schema: replies.jobs } as const;
const one = { status: 200, description: 'The job', schema: replies.job } as const;

export const jobRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/jobs',
    operationId: 'listJobs',
    summary: 'List recent jobs',
    can: 'look',
    over: 'some',
    tags: ['jobs'],
    query: jobsQuery,
    reply: list,
    handler: listJobs,
  }),
  route({
    method: 'GET',
    path: '/jobs/{jobID}',
    operationId: 'getJob',
    summary: 'Get a job',
    can: 'look',
    over: 'some',
    tags: ['jobs'],
    params: jobParams,
    reply: one,
    handler: getJob,
  }),
  route({
    method: 'DELETE',
    path: '/jobs/{jobID}',
    operationId: 'cancelJob',
    summary: 'Cancel a queued or running job',
    can: 'look',
    over: 'some',
    tags: ['jobs'],
    params: jobParams,
    query: dryRunQuery,
    reply: { status: 200, description: 'The job as it ended', schema: replies.job },
    handler: cancelJob,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/jobs',
    operationId: 'listGuestJobs',
    summary: 'List recent jobs of a guest',
    can: 'look',
    tags: ['jobs'],
    params: guestParams,
    query: jobsQuery,
    reply: list,
    handler: listGuestJobs,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/jobs/{jobID}',
    operationId: 'getGuestJob',
    summary: 'Get a job of a guest',
    can: 'look',
    tags: ['jobs'],
    params: guestJobParams,
    reply: one,
    handler: getGuestJob,
  }),
];
