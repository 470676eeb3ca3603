import { shutDownHost } from '../handlers/host/down.js';
import { getHost } from '../handlers/host/get.js';
import { getHostHistory } from '../handlers/host/history.js';
import { bringHostUp } from '../handlers/host/up.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { historyQuery, hostDownQuery } from './schemas/queries.js';
import { replies } from './schemas/replies.js';

const status = (description: string) => ({ status: 200, description, schema: replies.host }) as const;

export const hostRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/host',
    operationId: 'getHost',
    summary: 'Get the load and room of the host, its versions, and what is wrong',
    can: 'look',
    tags: ['hypervisor'],
    reply: { status: 200, description: 'The host', schema: replies.hostDetails },
    handler: getHost,
  }),
  route({
    method: 'GET',
    path: '/host/history',
    can: 'look',
    operationId: 'getHostHistory',
    summary: 'Get the load of the host over the last hour, day or month',
    tags: ['hypervisor'],
    query: historyQuery,
    reply: { status: 200, description: 'Averages', schema: replies.history },
    handler: getHostHistory,
  }),
  route({
    method: 'POST',
    path: '/host/down',
    operationId: 'shutDownHost',
    summary: 'Shut down all guests because the host goes down',
    can: 'host',
    tags: ['hypervisor'],
    query: hostDownQuery,
    payload: 'ignored',
    reply: status('The guests that are still on; `going-down` until all have complied or used their time up'),
    handler: shutDownHost,
  }),
  route({
    method: 'POST',
    path: '/host/up',
    operationId: 'bringHostUp',
    summary: 'Start guests as after a boot, when the host does not go down after all',
    can: 'host',
    tags: ['hypervisor'],
    payload: 'ignored',
    reply: status('The guests that wait for their start'),
    handler: bringHostUp,
  }),
];
