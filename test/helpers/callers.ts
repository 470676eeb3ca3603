import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Where and as whom to send a request: the options of node:http and node:https. */
export type Caller = Pick<RequestOptions, 'host' | 'port' | 'socketPath' | 'localAddress' | 'headers'> & {
  tls?: { ca: Buffer; cert?: Buffer; key?: Buffer };
};

/** What a browser or a viewer sends to open a console (RFC 6455, 4.1). */
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mistify.console',
};

/** Sends a request and resolves to the status of its response, without reading the rest of it. */
export const statusFor = (
  { tls, headers, ...address }: Caller,
  { method, path, body, isWebSocket }: { method: string; path: string; body?: unknown; isWebSocket: boolean },
): Promise<number> =>
  new Promise((resolve, reject) => {
    const options = {
      ...address,
      ...tls,
      ...{ method, path, agent: false as const },
      headers: {
        ...headers,
        ...(isWebSocket ? HANDSHAKE : { connection: 'close' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    };
    const request = tls ? httpsRequest(options) : httpRequest(options);
    const take = (response: IncomingMessage): void => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    };
    request.on('response', take);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      take(response);
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
