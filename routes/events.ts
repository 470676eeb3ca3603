import { followEvents } from '../handlers/events/follow.js';
import { type Route, route } from './route.js';
import { eventsQuery } from './schemas.js';

export const eventRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/events',
    summary: 'Follow what happens to guests, jobs, images and sub-agents',
    tags: ['events'],
    query: eventsQuery,
    resumable: true,
    reply: { status: 200, description: 'Server-sent events, without an end', type: 'text/event-stream' },
    handler: followEvents,
  }),
];
