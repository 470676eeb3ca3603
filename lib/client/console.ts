import { CONSOLE_PROTOCOL, type Console, resizeMessage } from '../http/websocket/console.js';
import type { CallOptions, Transport } from './transport.js';

/** A console that a client has opened. */
export type OpenedConsole = Required<Omit<Console, 'takesText'>>;

export interface SerialConsoleOptions extends CallOptions {
  /** How much earlier output to send first, in bytes; 16 KiB by default, 1 MiB at most. */
  scrollback?: number | undefined;
}

/** @param path of the console's endpoint */
export const connectConsole = async (
  transport: Transport,
  path: string,
  query: Record<string, string | number | undefined>,
  { signal }: CallOptions,
): Promise<OpenedConsole> => {
  const { socket, messages } = await transport.connect(path, { query, protocol: CONSOLE_PROTOCOL, signal });
  return { bytes: messages, resize: (size) => socket.send(resizeMessage(size)) };
};
