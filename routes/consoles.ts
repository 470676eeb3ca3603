import { openSerialConsole } from '../handlers/guests/console/serial.js';
import { openVncConsole } from '../handlers/guests/console/vnc.js';
import type { Context } from '../lib/agent/context.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { serialConsoleQuery } from './schemas/queries.js';

export const consoleRoutes: Route<Context>[] = [
  route({
    method: 'GET',
    path: '/guests/{guestID}/console/serial',
    operationId: 'openSerialConsole',
    summary: "Open a guest's serial console, or a shell in a container",
    tags: ['consoles'],
    params: guestParams,
    query: serialConsoleQuery,
    scope: 'operate',
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
    tags: ['consoles'],
    params: guestParams,
    scope: 'operate',
    callsSubAgent: true,
    reply: {
      status: 101,
      description:
        'A WebSocket, subprotocol `mistify.console`: binary messages are the bytes of RFB (RFC 6143), without a password',
    },
    handler: openVncConsole,
  }),
];
