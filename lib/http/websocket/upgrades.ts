import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { latestAnswer, noteAnswers } from '../last-response.js';

/** A larger message is a mistake or an attack: RFC 6455, 7.4.1, 1009. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** RFC 6455, 7.4.1: the server is going down. */
const GOING_AWAY = 1001;
/** How often a peer is asked whether it is still there; one of which nothing has been heard since is given up. */
const PING_MS = 30_000;

/** A handshake's own headers: RFC 6455, 4.2.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';
const PROTOCOLS = /^[!#-'*+\-.^-z|~\w]+(\s*,\s*[!#-'*+\-.^-z|~\w]+)*$/;

/** Those of one connection alone, and what comes with the wish for another protocol. */
const UPGRADE_HEADERS = /^(connection|upgrade|http2-settings)$/i;

/** The head of a request without the wish for another protocol, which a server is free to pass over (RFC 9110, 7.8). */
const headWithoutUpgrade = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!UPGRADE_HEADERS.test(name)) lines.push(`${name}: ${value}`);
  }
  // One for each connection: it is served as a new one, whose listeners come on top of the old ones.
  return `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;
};

const asksForWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  Number(headers['content-length'] ?? 0) === 0 &&
  headers['transfer-encoding'] === undefined;

/**
 * Serves a request for another protocol as one that did not ask for it: `h2c`, which Java's client begins with, or what
 * has a body.
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

/** What has come from the peer, and what the kernel has taken for it. */
const passed = ({ bytesRead, bytesWritten, writableLength }: Socket): number =>
  bytesRead + bytesWritten - writableLength;

/**
 * Gives a peer up of which nothing is heard, which TCP alone may take hours to find out. One that takes what it is
 * sent, however slowly, lives; of one that is not read from, because its guest takes nothing, nobody can tell.
 */
const keepAlive = (webSocket: WebSocket, connection: Socket): void => {
  let before = -1;
  const timer = setInterval(() => {
    const now = passed(connection);
    if (now === before && !webSocket.isPaused) webSocket.terminate();
    else webSocket.ping();
    // What the ping itself adds is no sign of life.
    before = connection.writableLength === 0 ? passed(connection) : now;
  }, PING_MS);
  webSocket.once('close', () => clearInterval(timer));
};

/**
 * Lets requests for a WebSocket (RFC 6455) take the way of all other requests, so that whoever is refused gets an
 * answer of HTTP. A handler that has nothing against one calls `accept`.
 */
export class Upgrades {
  readonly #server: WebSocketServer;
  readonly #heads = new WeakMap<IncomingMessage, Buffer>();

  /** @param protocol the subprotocol that is chosen when a client offers it */
  constructor(listener: Server, protocol: string) {
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    noteAnswers(listener);
    listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Node has let go of the connection, and hears no more of what befalls it.
      socket.on('error', () => socket.destroy());
      this.#whenAnswered(socket, () => {
        if (asksForWebSocket(request)) this.#dispatch(listener, request, head);
        else serveWithoutUpgrade(listener, request, socket, head);
      });
    });
  }

  /** Whether the request asks for a WebSocket. */
  isAsked(request: IncomingMessage): boolean {
    return this.#heads.has(request);
  }

  /** What is wrong with the handshake of a request that asks for one, in words; `undefined` when nothing is. */
  problemOf({ headers }: IncomingMessage): string | undefined {
    if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Sec-WebSocket-Key must be 16 bytes in base64';
    if (headers['sec-websocket-version'] !== VERSION) return `Sec-WebSocket-Version must be ${VERSION}`;
    const protocols = headers['sec-websocket-protocol'];
    if (protocols !== undefined && !PROTOCOLS.test(protocols))
      return 'Sec-WebSocket-Protocol must be tokens between commas';
    return undefined;
  }

  /** @returns `undefined` when it is none that can be had, which the client has then been told */
  accept(request: IncomingMessage, response: ServerResponse): WebSocket | undefined {
    const head = this.#heads.get(request);
    if (!head) throw new TypeError('the request asks for no WebSocket');
    const { socket } = request;
    response.detachSocket(socket);
    let accepted: WebSocket | undefined;
    // It calls back before it returns, or not at all.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
      keepAlive(webSocket, socket);
    });
    return accepted;
  }

  /** Asks all of them to close. */
  close(): void {
    for (const socket of this.#server.clients) socket.close(GOING_AWAY, 'the server is stopping');
  }

  /** A client may ask before it has the answers to its earlier requests, which come first. */
  #whenAnswered(socket: Duplex, next: () => void): void {
    const latest = latestAnswer(socket);
    // Written to its end is not yet let go of, which Node does when it tells of the end.
    if (!latest || (latest.writableFinished && latest.socket === null)) next();
    // Node itself has still to let go of the connection, or to close it.
    else latest.once('finish', () => setImmediate(() => socket.writable && next()));
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
