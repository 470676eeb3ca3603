import { openSerialConsole } from '../handlers/guests/console/serial.js';
import { openVncConsole } from '../handlers/guests/console/vnc.js';
import { readGuestLogs } from '../handlers/guests/logs.js';
import type { Context } from '../lib/agent/context.js';
import { logsQuerySchema } from '../lib/model/guest-logs-schema.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { serialConsoleQuery } from './schemas/queries.js';

export const consoleRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/console/serial',
    operationId: 'openSerialConsole',
    summary: "Open a guest's serial console, or a shell in a container",
    can: 'console',
    tags: ['consoles'],
    params: guestParams,
    query: serialConsoleQuery,
    callsSubAgent: true,
    reply: {
      status: 101,
      description:
        'A WebSocket, subprotocol `mistify.console`: binary messages are bytes, text is `{"resize": {"columns": 80, "rows": 24}}`',
    },
    handler: openSerialConsole,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/console/vnc',
    operationId: 'openVncConsole',
    summary: "Open a guest's screen, keyboard and mouse",
    can: 'console',
    tags: ['consoles'],
    params: guestParams,
    callsSubAgent: true,
    reply: {
      status: 101,
      description:
        'A WebSocket, subprotocol `mistify.console`: binary messages are the bytes of RFB (RFC 6143), without a password',
    },
    handler: openVncConsole,
  }),
  route({
    method: 'GET',
    path: '/guests/{guestID}/logs',
    operationId: 'readGuestLogs',
    summary: "Read and follow a guest's output: a container's, or a serial console's",
    can: 'content',
    tags: ['consoles'],
    params: guestParams,
    query: logsQuerySchema,
    callsSubAgent: true,
    reply: { status: 200, description: 'What the guest has printed', type: 'text/plain' },
    handler: readGuestLogs,
  }),
];
