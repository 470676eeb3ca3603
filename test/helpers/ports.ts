import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ExecutionContext } from 'ava';
import getPort from 'get-port';

/** Below the ports that the kernel picks for port 0 (ip_local_port_range), which other tests use. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/** Finds a free port for a program that is about to start. */
export const freePort = (): Promise<number> =>
  getPort({ port: Array.from({ length: 20 }, () => randomInt(LOWEST, HIGHEST)) });

/** Returns a port that refuses connections until the test ends: the local end of a connection occupies it. */
export const refusingPort = async (t: ExecutionContext): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return socket.localPort ?? 0;
};
