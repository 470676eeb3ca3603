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
import { CoalescingResponse } from '../http/batched-response.js';
import { latestAnswer, noteAnswers } from '../http/last-response.js';
import { STREAM_BUFFER_BYTES } from '../http/stream-buffer.js';
import { errorBody } from './errors.js';

/** How long a client may take, in milliseconds. Answers may take as long as they want, while they are read. */
export interface Patience {
  /** For the headers of a request. */
  headers: number;
  /** For all of a request. */
  request: number;
  /** Between two looks for clients that took longer. */
  check: number;
  /** Without taking a byte of a stream: it holds one of the few places for streams. */
  stall: number;
  /** For what is under way when the server stops. */
  stop: number;
}

export const PATIENCE: Patience = {
  headers: 15_000,
  request: 30_000,
  check: 5000,
  stall: 60_000,
  stop: 10_000,
};

/** What a refused client has to read its answer, in milliseconds: closing at once would reset the connection. */
const LINGER_MS = 1000;

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

const toError = (error: NodeJS.ErrnoException & { reason?: string }, patience: Patience): Boom => {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT': {
      const limits = `its headers within ${seconds(patience.headers)}, all of it within ${seconds(patience.request)}`;
      return new Boom(`the request did not arrive in time: send ${limits}`, { statusCode: 408 });
    }
    case 'HPE_HEADER_OVERFLOW':
      return new Boom(`the request's headers are larger than ${maxHeaderSize} bytes`, { statusCode: 431 });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Boom('the extensions of a chunk are too large', { statusCode: 413 });
    default:
      return new Boom(`this is not a valid HTTP request: ${error.reason ?? error.message}`, {
        statusCode: 400,
      });
  }
};

const headersOf = (body: string): Record<string, string | number> => ({
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Length': Buffer.byteLength(body),
  Connection: 'close',
});

/** Writes an answer where there is no request to answer, and closes. */
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
 * Answers what is not even HTTP in the contract's shape for errors.
 *
 * @param debug whether to tell the stack
 */
export const answerClientErrors = (listener: Server, patience: Patience, debug: boolean): void => {
  const refused = new WeakSet<Duplex>();
  noteAnswers(listener);
  listener.removeAllListeners('clientError');
  listener.on('clientError', (error, socket) => {
    // The parser goes on complaining about whatever follows.
    if (refused.has(socket)) return;
    refused.add(socket);
    const refuse = (): void => writeError(socket, toError(error, patience), debug);
    const response = latestAnswer(socket);
    if (!response) refuse();
    else if (response.req.complete && response.writableFinished) refuse();
    // The error is in a later request: the answer to this one goes first.
    else if (response.req.complete) response.once('finish', refuse);
    else if (response.headersSent) {
      response.destroy();
      socket.destroy();
    } else refuse();
  });
};

/** Of one agent at one time. */
const MAX_CONNECTIONS = 10_000;

/**
 * The HTTP server below hapi. It leaves a missing Host header to hapi, which can say so.
 * @param tls serves HTTPS; clients may show a certificate
 */
export const createListener = (
  patience: Patience,
  debug: boolean,
  tls: SecureContextOptions | undefined,
): Server => {
  const options = {
    headersTimeout: patience.headers,
    requestTimeout: patience.request,
    connectionsCheckingInterval: patience.check,
    requireHostHeader: false,
    ServerResponse: CoalescingResponse,
    highWaterMark: STREAM_BUFFER_BYTES,
  };
  const listener = tls
    ? createTlsServer({ ...options, ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: false })
    : createServer(options);
  listener.maxConnections = MAX_CONNECTIONS;
  listener.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const message = `Expect: ${request.headers.expect}: only 100-continue can be expected`;
    const body = JSON.stringify(errorBody(new Boom(message, { statusCode: 417 }), debug));
    response.writeHead(417, headersOf(body)).end(body);
  });
  return listener;
};
