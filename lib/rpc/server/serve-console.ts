import Joi from 'joi';
import type { WebSocket } from 'ws';
import { bridge } from '../../http/websocket/bridge.js';
import type { Console, TerminalSize } from '../../http/websocket/console.js';

const MAX_SIDE = 10_000;
const side = Joi.number().integer().min(1).max(MAX_SIDE).required();

const controlSchema = Joi.object<{ resize: TerminalSize }>({
  resize: Joi.object({ columns: side, rows: side }).required(),
});

/** RFC 6455, 7.4.1: a message that is against the rules. */
const POLICY_VIOLATION = 1008;

const parsed = (text: string): { resize: TerminalSize } | undefined => {
  try {
    return Joi.attempt(JSON.parse(text), controlSchema) as { resize: TerminalSize };
  } catch {
    return undefined;
  }
};

/** Serves a console over a WebSocket until either ends. A terminal whose size could not be told still works. */
export const serveConsole = (socket: WebSocket, { bytes, resize = () => {} }: Console): void =>
  bridge(socket, bytes, (text) => {
    const control = parsed(text);
    if (control)
      Promise.resolve(control.resize)
        .then(resize)
        .catch(() => {});
    else socket.close(POLICY_VIOLATION, 'text is {"resize": {"columns": N, "rows": N}}');
  });
