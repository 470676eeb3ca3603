import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** A larger message is a mistake or an attack: RFC 6455, 7.4.1, 1009. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** RFC 6455, 7.4.1: the server is going down. */
const GOING_AWAY = 1001;
/** How often a peer is asked whether it is still there; one that did not answer the last time is given up. */
const PING_MS = 30_000;

const UPGRADE_HEADERS = /^(upgrade|http2-settings)$/i;

/** The head of a request without the wish for another protocol, which a server is free to pass over (RFC 9110, 7.8). */
const headWithoutUpgrade = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (UPGRADE_HEADERS.test(name)) continue;
    const kept = value.split(',').filter((token) => !UPGRADE_HEADERS.test(token.trim()));
    if (name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`);
    else if (!/^\s*upgrade\s*$/i.test(value)) lines.push(`${name}: ${kept.join(',')}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
};

/** Serves a request for another protocol as one that did not ask for it: `h2c`, which Java's client begins with. */
const serveWithoutUpgrade = (
  listener: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void => {
  socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), 'latin1'), head]));
  listener.emit(listener instanceof TlsServer ? 'secureConnection' : 'connection', socket);
};

/** Gives a peer up that does not answer, which TCP alone may take hours to find out. */
const keepAlive = (socket: WebSocket): void => {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) socket.terminate();
    answered = false;
    socket.ping();
  }, PING_MS);
  socket.once('close', () => clearInterval(timer));
};

/**
 * Lets requests for a WebSocket (RFC 6455) take the way of all other requests, so that whoever is refused gets an
 * answer of HTTP. A handler that has nothing against one calls `accept`.
 */
export class Upgrades {
  readonly #server: WebSocketServer;
  readonly #heads = new WeakMap<IncomingMessage, Buffer>();
  /** The latest answer on each connection. */
  readonly #latest = new WeakMap<Duplex, ServerResponse>();

  /** @param protocol the subprotocol that is chosen when a client offers it */
  constructor(listener: Server, protocol: string) {
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    listener.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#latest.set(socket, response);
    });
    listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#whenAnswered(socket, () => {
        if (request.headers.upgrade?.toLowerCase() === 'websocket') this.#dispatch(listener, request, head);
        else serveWithoutUpgrade(listener, request, socket, head);
      });
    });
  }

  /** Whether the request asks for a WebSocket. */
  isAsked(request: IncomingMessage): boolean {
    return this.#heads.has(request);
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
      keepAlive(webSocket);
      this.#server.emit('connection', webSocket, request);
    });
    return accepted;
  }

  /** Asks all of them to close. */
  close(): void {
    for (const socket of this.#server.clients) socket.close(GOING_AWAY, 'the server is stopping');
  }

  /** A client may ask before it has the answers to its earlier requests, which come first. */
  #whenAnswered(socket: Duplex, next: () => void): void {
    const latest = this.#latest.get(socket);
    if (!latest || latest.writableFinished) next();
    // Node itself has still to let go of the connection, or to close it.
    else latest.once('finish', () => setImmediate(() => socket.writable && next()));
  }

  #dispatch(listener: Server, request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    this.#heads.set(request, head);
    listener.emit('request', request, response);
  }
}
