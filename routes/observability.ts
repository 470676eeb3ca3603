import Joi from 'joi';
import { followEvents } from '../handlers/events/follow.js';
import { getHealth } from '../handlers/health/healthz.js';
import { getReadiness } from '../handlers/health/readyz.js';
import { getMetrics } from '../handlers/metrics/get.js';
import { getGuestsMetrics } from '../handlers/metrics/guests.js';
import { type Route, route } from '../lib/server/route.js';
import { eventsQuery, guestsMetricsQuery, replies } from './schemas.js';

const fine = Joi.object({ status: Joi.string().valid('ok').required() });

export const observabilityRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/events',
    summary: 'Follow what happens to guests, jobs, images and sub-agents',
    tags: ['observability'],
    query: eventsQuery,
    resumable: true,
    reply: { status: 200, description: 'Server-sent events, without an end', type: 'text/event-stream' },
    handler: followEvents,
  }),
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'Counters of the agent and of all guests, for Prometheus',
    tags: ['observability'],
    reply: { status: 200, description: "Prometheus' text format", type: 'text/plain' },
    handler: getMetrics,
  }),
  route({
    method: 'GET',
    path: '/metrics/guests',
    summary: 'The counters of all guests, or of some, in one answer',
    tags: ['observability'],
    query: guestsMetricsQuery,
    reply: {
      status: 200,
      description: 'Counters of the guests that have any',
      schema: replies.guestsMetrics,
    },
    handler: getGuestsMetrics,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the agent lives',
    tags: ['observability'],
    scope: 'public',
    reply: { status: 200, description: 'It does', schema: fine },
    handler: getHealth,
  }),
  route({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the agent can carry out actions',
    tags: ['observability'],
    scope: 'public',
    reply: { status: 200, description: 'It can: every sub-agent answers', schema: fine },
    handler: getReadiness,
  }),
];
