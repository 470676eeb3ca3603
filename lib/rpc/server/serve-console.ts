import Joi from 'joi';
import type { WebSocket } from 'ws';
import { bridge } from '../../http/websocket/bridge.js';
import type { Console, TerminalSize } from '../../http/websocket/console.js';

const MAX_SIDE = 10_000;
const side = Joi.number().integer().min(1).max(MAX_SIDE).required();

const controlSchema = Joi.object<{ resize: TerminalSize }>({
  resize: Joi.object({ columns: side, rows: side }).required(),
});

/** RFC 6455, 7.4.1: the message breaks the protocol. */
const POLICY_VIOLATION = 1008;

const parseControl = (text: string): { resize: TerminalSize } | undefined => {
  try {
    return Joi.attempt(JSON.parse(text), controlSchema) as { resize: TerminalSize };
  } catch {
    return undefined;
  }
};

/** Serves a console over a WebSocket until either ends. A resize that fails is ignored: the terminal still works. */
export const serveConsole = (socket: WebSocket, { bytes, resize = () => {}, takesText }: Console): void => {
  const takeControl = (text: string): void => {
    const control = parseControl(text);
    if (control)
      Promise.resolve(control.resize)
        .then(resize)
        .catch(() => {});
    else socket.close(POLICY_VIOLATION, 'text messages must be {"resize": {"columns": N, "rows": N}}');
  };
  bridge(socket, bytes, takesText ? undefined : takeControl);
};
