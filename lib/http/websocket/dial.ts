import type { IncomingMessage } from 'node:http';
import type { Duplex, DuplexOptions } from 'node:stream';
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws';
import { MAX_MESSAGE_BYTES } from './upgrades.js';

/** Closed as it was meant to be: RFC 6455, 7.4.1. */
const ORDERLY = new Set([1000, 1001, 1005]);
/** What is read of a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** A server answered in HTTP that there will be no WebSocket. */
export class UpgradeRefused extends Error {
  readonly status: number;
  /** What it said, as text. */
  readonly body: string;

  constructor(status: number, body: string) {
    super(`no WebSocket: status ${status}`);
    this.status = status;
    this.body = body;
  }
}

const beginningOf = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length >= MAX_REFUSAL_BYTES) break;
  }
  return text.slice(0, MAX_REFUSAL_BYTES);
};

/**
 * What comes and goes as messages, as a stream that fails when the other side closes the socket for a reason that is
 * none of the orderly ones.
 */
const messageStream = (socket: WebSocket, options: DuplexOptions): Duplex => {
  // Before the stream's own listener, which takes any close for an orderly one.
  socket.once('close', (code, reason) => {
    if (!ORDERLY.has(code)) stream.destroy(new Error(String(reason) || 'the connection was lost'));
  });
  const stream = createWebSocketStream(socket, { ...options, allowHalfOpen: false });
  // Whoever has gone already need not be told.
  return stream.on('error', () => {});
};

export interface DialOptions extends ClientOptions {
  /** The subprotocols that are offered. */
  protocols: string | string[];
  /** Gives up while it is not open yet. */
  signal?: AbortSignal | undefined;
  stream?: DuplexOptions;
}

/** A WebSocket that is open, and its messages. */
export interface Dialled {
  socket: WebSocket;
  messages: Duplex;
}

/**
 * Opens a WebSocket.
 * @throws {UpgradeRefused} when the server answers otherwise
 */
export const dial = (
  url: string | URL,
  { protocols, signal, stream = {}, ...options }: DialOptions,
): Promise<Dialled> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, {
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      ...options,
    });
    // From the beginning: the first messages may come together with the answer to the handshake.
    const messages = messageStream(socket, stream);
    const giveUp = (): void => {
      reject(signal?.reason);
      socket.terminate();
    };
    socket.once('error', reject);
    socket.once('open', () => resolve({ socket, messages }));
    socket.once('unexpected-response', async (request, response) => {
      const body = await beginningOf(response).catch(() => '');
      reject(new UpgradeRefused(response.statusCode ?? 0, body));
      request.destroy();
    });
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    for (const event of ['open', 'close'])
      socket.once(event, () => signal?.removeEventListener('abort', giveUp));
  });
