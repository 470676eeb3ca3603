import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';

/** Serves HTTP on a free loopback port until the test ends, for responses that no proper sub-agent would send. */
export const serveRaw = async (t: ExecutionContext, listener: RequestListener): Promise<number> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** Responds to every request with the same status and body. */
export const serveFixed = (t: ExecutionContext, status: number, body: string): Promise<number> =>
  serveRaw(t, (_request, response) => {
    response.writeHead(status).end(body);
  });

type RpcCall = { method: string; params: [Record<string, unknown>]; id: number };

/** Responds to every JSON-RPC call with the JSON of what `respond` returns. */
export const serveRpc = (t: ExecutionContext, respond: (call: RpcCall) => unknown): Promise<number> =>
  serveRaw(t, (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    void text(request).then((body) => response.end(JSON.stringify(respond(JSON.parse(body) as RpcCall))));
  });

/** Serves a protocol other than HTTP on a free loopback port until the test ends. */
export const serveTcp = async (t: ExecutionContext, onSocket: (socket: Socket) => void): Promise<number> => {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};
