import type * as Hapi from '@hapi/hapi';
import Joi from 'joi';
import { type Console, MAX_SCROLLBACK_BYTES } from '../../http/websocket/console.js';
import type { Upgrades } from '../../http/websocket/upgrades.js';
import { plain, plainFailure } from './plain-text.js';
import { serveConsole } from './serve-console.js';

/** What is asked of a sub-agent whose guest's console is to be opened, as the query of a request for a WebSocket. */
export interface ConsoleRequest {
  /** The guest's id. */
  guest: string;
  /** How much of what was said before is wanted, in bytes. */
  scrollback: number;
}

const DEFAULT_SCROLLBACK_BYTES = 16 * 1024;

export const scrollbackSchema = Joi.number()
  .integer()
  .min(0)
  .max(MAX_SCROLLBACK_BYTES)
  .default(DEFAULT_SCROLLBACK_BYTES)
  .description('How much of what was said before is wanted, in bytes')
  .example(4096);

/** The stage's own args come in the query as well. */
const requestSchema = Joi.object<ConsoleRequest>({
  guest: Joi.string().required(),
  scrollback: scrollbackSchema,
}).unknown();

/** Opens a guest's console. @throws {Refusal} for a reason that the agent's client can act on */
export type OpenConsole = (request: ConsoleRequest) => Promise<Console> | Console;

/** The route of a path that is a console when a WebSocket is asked for. */
export const consoleRoute = (path: string, open: OpenConsole, upgrades: Upgrades): Hapi.ServerRoute => ({
  method: 'GET',
  path,
  handler: async ({ query, raw: { req, res } }, h) => {
    if (!upgrades.isAsked(req)) return plain(h, 426, 'ask for a WebSocket').header('Upgrade', 'websocket');
    const { value, error } = requestSchema.validate(query);
    const problem = upgrades.problemOf(req) ?? error?.message;
    if (problem !== undefined) return plain(h, 400, problem);
    try {
      const guestsEnd = await open(value);
      const socket = upgrades.accept(req, res);
      if (socket) serveConsole(socket, guestsEnd);
      else guestsEnd.bytes.destroy();
      return h.abandon;
    } catch (failure) {
      return plainFailure(h, failure);
    }
  },
});
