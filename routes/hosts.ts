import { forgetHost } from '../handlers/hosts/delete.js';
import { getFleetHost } from '../handlers/hosts/get.js';
import { listHosts } from '../handlers/hosts/list.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { hostParams } from './schemas/params.js';
import { replies } from './schemas/replies.js';

export const fleetHostRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/hosts',
    operationId: 'listHosts',
    summary: 'List the hosts of the fleet',
    can: 'look',
    tags: ['fleet'],
    reply: { status: 200, description: 'The hosts, by name', schema: replies.fleetHosts },
    handler: listHosts,
  }),
  route({
    method: 'GET',
    path: '/hosts/{hostID}',
    operationId: 'getFleetHost',
    summary: 'Get a host of the fleet, and what tells whether it is there',
    can: 'look',
    tags: ['fleet'],
    params: hostParams,
    reply: { status: 200, description: 'The host', schema: replies.fleetHost },
    handler: getFleetHost,
  }),
  route({
    method: 'DELETE',
    path: '/hosts/{hostID}',
    operationId: 'forgetHost',
    summary: 'Forget a host that will not return to the fleet',
    can: 'host',
    tags: ['fleet'],
    params: hostParams,
    payload: 'ignored',
    reply: { status: 200, description: 'What was known of the host', schema: replies.fleetHostRecord },
    handler: forgetHost,
  }),
];
