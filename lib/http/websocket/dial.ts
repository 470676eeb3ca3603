import type { IncomingMessage } from 'node:http';
import type { Duplex, DuplexOptions } from 'node:stream';
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws';
import { MAX_MESSAGE_BYTES } from './upgrades.js';

/** Close codes of a normal end: RFC 6455, 7.4.1. */
const NORMAL_CODES = new Set([1000, 1001, 1005]);
/** The most bytes read of a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** The server responded to the handshake without an upgrade. */
export class UpgradeRefused extends Error {
  readonly status: number;
  /** The response's body as text, cut at 64 KB. */
  readonly body: string;

  constructor(status: number, body: string) {
    super(`the server refused the WebSocket with status ${status}`);
    this.status = status;
    this.body = body;
  }
}

const readStart = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length >= MAX_REFUSAL_BYTES) break;
  }
  return text.slice(0, MAX_REFUSAL_BYTES);
};

/**
 * Wraps a WebSocket's messages in a stream, which fails when the other side closes the socket with a code that means an
 * error.
 */
const messageStream = (socket: WebSocket, options: DuplexOptions): Duplex => {
  // Runs before the stream's own listener, which treats every close as a normal end.
  socket.once('close', (code, reason) => {
    if (!NORMAL_CODES.has(code)) stream.destroy(new Error(String(reason) || 'the connection broke'));
  });
  const stream = createWebSocketStream(socket, { ...options, allowHalfOpen: false });
  // A failed stream may have no reader left to listen.
  return stream.on('error', () => {});
};

export interface DialOptions extends ClientOptions {
  /** The subprotocols to offer. */
  protocols: string | string[];
  /** Cancels opening the WebSocket; an open one is unaffected. */
  signal?: AbortSignal | undefined;
  stream?: DuplexOptions;
}

/** An open WebSocket and its messages. */
export interface DialedSocket {
  socket: WebSocket;
  messages: Duplex;
}

/**
 * Opens a WebSocket.
 * @throws {UpgradeRefused} when the server responds without an upgrade
 */
export const dial = (
  url: string | URL,
  { protocols, signal, stream = {}, ...options }: DialOptions,
): Promise<DialedSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, {
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      ...options,
    });
    // Created before the handshake ends: the first messages may arrive with it.
    const messages = messageStream(socket, stream);
    const giveUp = (): void => {
      reject(signal?.reason);
      socket.terminate();
    };
    socket.once('error', reject);
    socket.once('open', () => resolve({ socket, messages }));
    socket.once('unexpected-response', async (request, response) => {
      const body = await readStart(response).catch(() => '');
      reject(new UpgradeRefused(response.statusCode ?? 0, body));
      request.destroy();
    });
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    for (const event of ['open', 'close'])
      socket.once(event, () => signal?.removeEventListener('abort', giveUp));
  });
