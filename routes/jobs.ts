import { getGuestJob } from '../handlers/guests/jobs/get.js';
import { listGuestJobs } from '../handlers/guests/jobs/list.js';
import { cancelJob } from '../handlers/jobs/cancel.js';
import { getJob } from '../handlers/jobs/get.js';
import { listJobs } from '../handlers/jobs/list.js';
import { type Route, route } from '../lib/server/route.js';
import { dryRunQuery, guestJobParams, guestParams, jobParams, jobsQuery, replies } from './schemas.js';

const list = { status: 200, description: 'Jobs, newest first', schema: replies.jobs } as const;
const one = { status: 200, description: 'The job', schema: replies.job } as const;

export const jobRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/jobs',
    summary: 'Retrieve a list of recent jobs',
    tags: ['jobs'],
    query: jobsQuery,
    reply: list,
    handler: listJobs,
  }),
  route({
    method: 'GET',
    path: '/jobs/{jobID}',
    summary: 'Retrieve information about a job',
    tags: ['jobs'],
    params: jobParams,
    reply: one,
    handler: getJob,
  }),
  route({
    method: 'DELETE',
    path: '/jobs/{jobID}',
    summary: 'Cancel a job that waits or runs',
    tags: ['jobs'],
    params: jobParams,
    query: dryRunQuery,
    reply: { status: 200, description: 'The job, which has ended', schema: replies.job },
    handler: cancelJob,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/jobs',
    summary: 'Retrieve a list of recent jobs of a guest',
    tags: ['jobs'],
    params: guestParams,
    query: jobsQuery,
    reply: list,
    handler: listGuestJobs,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/jobs/{jobID}',
    summary: 'Retrieve information about a job of a guest',
    tags: ['jobs'],
    params: guestJobParams,
    reply: one,
    handler: getGuestJob,
  }),
];
