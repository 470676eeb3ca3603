import { listNetworks } from '../handlers/networks/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { replies } from './schemas/replies.js';

export const networkRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/networks',
    operationId: 'listNetworks',
    summary: 'List the networks of the host and say which guests can use them',
    can: 'look',
    over: 'some',
    tags: ['hypervisor'],
    callsSubAgent: true,
    reply: { status: 200, description: 'The networks of the host', schema: replies.networks },
    handler: listNetworks,
  }),
];
