import type * as Hapi from '@hapi/hapi';
import Joi from 'joi';
import { type Console, MAX_SCROLLBACK_BYTES } from '../../http/websocket/console.js';
import type { Upgrades } from '../../http/websocket/upgrades.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { plain, plainFailure } from './plain-text.js';
import { serveConsole } from './serve-console.js';

/** The query of a WebSocket request that opens a guest's console. */
export interface ConsoleRequest {
  /** The guest's id. */
  guest: string;
  /** The bytes of earlier output to send first. */
  scrollback: number;
}

const DEFAULT_SCROLLBACK_BYTES = 16 * 1024;

export const scrollbackSchema = Joi.number()
  .integer()
  .min(0)
  .max(MAX_SCROLLBACK_BYTES)
  .default(DEFAULT_SCROLLBACK_BYTES)
  .description('Bytes of earlier output to send first')
  .example(4096);

/** The query also carries the stage's args. */
const requestSchema = Joi.object<ConsoleRequest>({
  guest: Joi.string().required(),
  scrollback: scrollbackSchema,
}).unknown();

/** Opens a guest's console. @throws {Refusal} for a reason that the agent's client can act on */
export type OpenConsole = (request: ConsoleRequest) => Promise<Console> | Console;

/** Makes the route of a console. A request without an upgrade to a WebSocket gets 426. */
export const consoleRoute = (path: string, open: OpenConsole, upgrades: Upgrades): Hapi.ServerRoute => ({
  method: 'GET',
  path,
  handler: async ({ query, raw: { req, res } }, h) => {
    if (!upgrades.isRequested(req))
      return plain(h, 426, 'this is a WebSocket: send Upgrade: websocket').header('Upgrade', 'websocket');
    const { value, error } = requestSchema.validate(query);
    const problem = upgrades.handshakeProblem(req) ?? (error && describeMistakes(error));
    if (problem !== undefined) return plain(h, 400, problem);
    try {
      const console = await open(value);
      const socket = upgrades.accept(req, res);
      if (socket) serveConsole(socket, console);
      else console.bytes.destroy();
      return h.abandon;
    } catch (failure) {
      return plainFailure(h, failure);
    }
  },
});
