import Joi from 'joi';
import { getAccess } from '../handlers/access/get.js';
import { listAudit } from '../handlers/audit/list.js';
import { followEvents } from '../handlers/events/follow.js';
import { getHealth } from '../handlers/health/healthz.js';
import { getReadiness } from '../handlers/health/readyz.js';
import { getMetrics } from '../handlers/metrics/get.js';
import { getGuestsMetrics } from '../handlers/metrics/guests.js';
import { listServices } from '../handlers/services/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { auditQuery, eventsQuery, guestsMetricsQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const okSchema = Joi.object({ status: Joi.string().valid('ok').required() });

const readinessSchema = okSchema.keys({
  problems: Joi.object()
    .pattern(Joi.string(), Joi.array().items(Joi.string()))
    .description('What the sub-agents could not do and retry, by service'),
});

export const observabilityRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/events',
    operationId: 'followEvents',
    summary: 'Follow the events of guests, jobs, images and sub-agents',
    can: 'look',
    over: 'some',
    tags: ['observability'],
    query: eventsQuery,
    resumable: true,
    reply: { status: 200, description: 'An endless stream of server-sent events', type: 'text/event-stream' },
    handler: followEvents,
  }),
  route({
    method: 'GET',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Get the counters of the agent and of all guests, for Prometheus',
    can: 'metrics',
    tags: ['observability'],
    reply: { status: 200, description: "Prometheus' text format", type: 'text/plain' },
    handler: getMetrics,
  }),
  route({
    method: 'GET',
    path: '/metrics/guests',
    operationId: 'getGuestsMetrics',
    summary: 'Get the counters of all guests, or of some, at once',
    can: 'look',
    over: 'some',
    tags: ['observability'],
    query: guestsMetricsQuery,
    reply: {
      status: 200,
      description: 'The counters; guests without any are left out',
      schema: replies.guestsMetrics,
    },
    handler: getGuestsMetrics,
  }),
  route({
    method: 'GET',
    path: '/services',
    operationId: 'listServices',
    summary: 'List the services of the sub-agents, and why some do not respond',
    can: 'look',
    over: 'some',
    tags: ['observability'],
    reply: { status: 200, description: 'The services', schema: replies.services },
    handler: listServices,
  }),
  route({
    method: 'GET',
    path: '/audit',
    operationId: 'listAudit',
    summary: 'List who changed what, newest first',
    tags: ['observability'],
    can: 'host',
    isUnaudited: true,
    query: auditQuery,
    reply: {
      status: 200,
      description: 'Entries of the audit log; a page may be short although another one follows',
      schema: replies.audit,
    },
    handler: listAudit,
  }),
  route({
    method: 'GET',
    path: '/access',
    operationId: 'getAccess',
    summary: 'Get the name and the scope of the token or certificate of the request',
    can: 'look',
    over: 'some',
    tags: ['observability'],
    reply: { status: 200, description: 'The client', schema: replies.access },
    handler: getAccess,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Check that the agent is alive',
    can: 'public',
    tags: ['observability'],
    reply: { status: 200, description: 'The agent is alive', schema: okSchema },
    handler: getHealth,
  }),
  route({
    method: 'GET',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Check that the agent can carry out actions',
    can: 'public',
    tags: ['observability'],
    reply: { status: 200, description: 'Every sub-agent responds', schema: readinessSchema },
    handler: getReadiness,
  }),
];
