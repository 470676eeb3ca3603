import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { lastResponse, trackResponses } from '../last-response.js';

/** A larger message is a mistake or an attack: RFC 6455, 7.4.1, 1009. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** RFC 6455, 7.4.1: the server is going down. */
const GOING_AWAY = 1001;
/** The interval of pings. A peer that is silent for a whole interval is disconnected. */
const PING_MS = 30_000;

/** The handshake's headers: RFC 6455, 4.2.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';
const PROTOCOLS = /^[!#-'*+\-.^-z|~\w]+(\s*,\s*[!#-'*+\-.^-z|~\w]+)*$/;

/** Hop-by-hop headers, and the ones that belong to an upgrade. */
const UPGRADE_HEADERS = /^(connection|upgrade|http2-settings)$/i;

/** Rewrites the head of a request without its upgrade, which a server may ignore (RFC 9110, 7.8). */
const headWithoutUpgrade = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!UPGRADE_HEADERS.test(name)) lines.push(`${name}: ${value}`);
  }
  // One such request per connection: it is served as a new connection, and its listeners add to the old ones.
  return `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;
};

const asksForWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  Number(headers['content-length'] ?? 0) === 0 &&
  headers['transfer-encoding'] === undefined;

/**
 * Serves a request and ignores the upgrade that it asks for: to `h2c`, which Java's client tries first, or to a
 * WebSocket in a request with a body.
 */
const serveWithoutUpgrade = (
  listener: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void => {
  socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), 'latin1'), head]));
  listener.emit(listener instanceof TlsServer ? 'secureConnection' : 'connection', socket);
};

/**
 * Whether no response is being sent over the connection of a request. Node responds by itself to a request without `Host`,
 * or with an `Expect` that it does not know, and no listener learns of that.
 */
const isFree = (request: IncomingMessage): boolean => {
  const probe = new ServerResponse(request);
  try {
    probe.assignSocket(request.socket);
  } catch {
    return false;
  }
  probe.detachSocket(request.socket);
  return true;
};

/** Counts the bytes received from the peer, plus those for it that the kernel accepted. */
const countBytes = ({ bytesRead, bytesWritten, writableLength }: Socket): number =>
  bytesRead + bytesWritten - writableLength;

/**
 * Disconnects a silent peer, which TCP alone may take hours to detect. A peer that reads, however slowly, is alive. While
 * the guest reads nothing and the socket is paused, a peer's silence means nothing.
 */
const keepAlive = (webSocket: WebSocket, connection: Socket): void => {
  let before = -1;
  const timer = setInterval(() => {
    const now = countBytes(connection);
    if (now === before && !webSocket.isPaused) webSocket.terminate();
    else webSocket.ping();
    // The bytes of the ping itself are no sign of life.
    before = connection.writableLength === 0 ? countBytes(connection) : now;
  }, PING_MS);
  webSocket.once('close', () => clearInterval(timer));
};

/**
 * Passes requests for a WebSocket (RFC 6455) to the server's handlers like any other request, so that a refusal is a
 * normal HTTP response. A handler calls `accept` to open the WebSocket.
 */
export class Upgrades {
  readonly #server: WebSocketServer;
  readonly #heads = new WeakMap<IncomingMessage, Buffer>();

  /** @param protocol the subprotocol to choose when a client offers it */
  constructor(listener: Server, protocol: string) {
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    trackResponses(listener);
    listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Node no longer listens for errors of the connection.
      socket.on('error', () => socket.destroy());
      this.#afterResponse(socket, () => {
        // What follows such a request is not served. The response is written at the end of this turn.
        if (!isFree(request)) setImmediate(() => socket.end());
        else if (asksForWebSocket(request)) this.#dispatch(listener, request, head);
        else serveWithoutUpgrade(listener, request, socket, head);
      });
    });
  }

  /** Checks whether a request asks for a WebSocket. */
  isRequested(request: IncomingMessage): boolean {
    return this.#heads.has(request);
  }

  /** Returns what is wrong with a handshake, `undefined` when it is valid. */
  handshakeProblem({ headers }: IncomingMessage): string | undefined {
    if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Sec-WebSocket-Key must be 16 bytes in base64';
    if (headers['sec-websocket-version'] !== VERSION) return `Sec-WebSocket-Version must be ${VERSION}`;
    const protocols = headers['sec-websocket-protocol'];
    if (protocols !== undefined && !PROTOCOLS.test(protocols))
      return 'Sec-WebSocket-Protocol must be a list of tokens separated by commas';
    return undefined;
  }

  /**
   * Opens the WebSocket of a request.
   * @returns `undefined` when the handshake is invalid; the client has then received an error response
   */
  accept(request: IncomingMessage, response: ServerResponse): WebSocket | undefined {
    const head = this.#heads.get(request);
    if (!head) throw new TypeError('the request does not ask for a WebSocket');
    const { socket } = request;
    response.detachSocket(socket);
    let accepted: WebSocket | undefined;
    // `handleUpgrade` calls back before it returns, or never.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
      keepAlive(webSocket, socket);
    });
    return accepted;
  }

  /** Asks all clients to close. */
  close(): void {
    for (const socket of this.#server.clients) socket.close(GOING_AWAY, 'the server is stopping');
  }

  /** Runs `next` after the responses to earlier, pipelined requests of the connection. */
  #afterResponse(socket: Duplex, next: () => void): void {
    const last = lastResponse(socket);
    // Node detaches the socket from a response only after the response has finished.
    if (!last || (last.writableFinished && last.socket === null)) next();
    // Node's own listener detaches or closes the connection first.
    else last.once('finish', () => setImmediate(() => socket.writable && next()));
  }

  #dispatch(listener: Server, request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    this.#heads.set(request, head);
    listener.emit('request', request, response);
  }
}
