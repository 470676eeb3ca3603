import {
  createServer,
  type IncomingMessage,
  maxHeaderSize,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { Boom } from '@hapi/boom';
import { BatchedResponse } from '../http/batched-response.js';
import { lastResponse, trackResponses } from '../http/last-response.js';
import { STREAM_BUFFER_BYTES } from '../http/stream-buffer.js';
import { isUploading } from '../http/upload.js';
import { errorBody } from './errors.js';

/** How long a client may take, in milliseconds. A response may take any time while the client reads it. */
export interface Timeouts {
  /** To send a request's headers. */
  headers: number;
  /** To send the whole request. */
  request: number;
  /** Between two checks of the limits above. */
  check: number;
  /** To read the next byte of a stream. Streams are few, so a stalled client must not hold one. */
  stall: number;
  /** To finish requests under way when the server stops. */
  stop: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headers: 15_000,
  request: 30_000,
  check: 5000,
  stall: 60_000,
  stop: 10_000,
};

/** How long a rejected client may read its response, in milliseconds: closing at once would reset the connection. */
const LINGER_MS = 1000;

/** Bounds the connections that the agent holds at one time. */
const MAX_CONNECTIONS = 10_000;

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';

const toError = (error: NodeJS.ErrnoException & { reason?: string }, timeouts: Timeouts): Boom => {
  switch (error.code) {
    case REQUEST_TIMEOUT: {
      const limits = `its headers within ${seconds(timeouts.headers)}, the whole of it within ${seconds(timeouts.request)}`;
      return new Boom(`the request did not arrive in time: send ${limits}`, { statusCode: 408 });
    }
    case 'HPE_HEADER_OVERFLOW':
      return new Boom(`the request's headers exceed ${maxHeaderSize} bytes`, { statusCode: 431 });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Boom('the extensions of a chunk are too large', { statusCode: 413 });
    default:
      return new Boom(`malformed HTTP request: ${error.reason ?? error.message}`, {
        statusCode: 400,
      });
  }
};

const headersOf = (body: string): Record<string, string | number> => ({
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Length': Buffer.byteLength(body),
  Connection: 'close',
});

/** Writes an error response to a connection without a readable request, and closes it. */
const writeError = (socket: Duplex, boom: Boom, debug: boolean): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(errorBody(boom, debug));
  const { statusCode, payload } = boom.output;
  const headers = { ...headersOf(body), Date: new Date().toUTCString() };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${statusCode} ${payload.error}\r\n${head.join('')}\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
};

/**
 * Responds to malformed HTTP with an error in the contract's shape.
 * @param debug whether to include the stack
 */
export const answerClientErrors = (listener: Server, timeouts: Timeouts, debug: boolean): void => {
  const rejected = new WeakSet<Duplex>();
  trackResponses(listener);
  listener.removeAllListeners('clientError');
  listener.on('clientError', (error, socket) => {
    // Node reports it once. An upload has a limit of its own, between two chunks.
    if ('code' in error && error.code === REQUEST_TIMEOUT && isUploading(socket)) return;
    // The parser keeps reporting errors for the rest of the input.
    if (rejected.has(socket)) return;
    rejected.add(socket);
    const reject = (): void => writeError(socket, toError(error, timeouts), debug);
    const response = lastResponse(socket);
    if (!response) reject();
    else if (response.req.complete && response.writableFinished) reject();
    // The error is in a later request: send the response to this one first.
    else if (response.req.complete) response.once('finish', reject);
    else if (response.headersSent) {
      response.destroy();
      socket.destroy();
    } else reject();
  });
};

/**
 * Creates the HTTP server below hapi. It accepts a missing Host header, which the agent rejects with a message of its
 * own.
 * @param tls serves HTTPS; with a `ca`, clients may present a certificate
 */
export const createListener = (
  timeouts: Timeouts,
  debug: boolean,
  tls: SecureContextOptions | undefined,
): Server => {
  const options = {
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    connectionsCheckingInterval: timeouts.check,
    requireHostHeader: false,
    ServerResponse: BatchedResponse,
    highWaterMark: STREAM_BUFFER_BYTES,
  };
  const listener = tls
    ? createTlsServer({ ...options, ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: false })
    : createServer(options);
  listener.maxConnections = MAX_CONNECTIONS;
  listener.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const message = `Expect: ${request.headers.expect} is not supported: only 100-continue is`;
    const body = JSON.stringify(errorBody(new Boom(message, { statusCode: 417 }), debug));
    response.writeHead(417, headersOf(body)).end(body);
  });
  return listener;
};
