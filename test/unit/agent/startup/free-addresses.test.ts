import { access, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { requireFreeAddresses } from '../../../../lib/agent/startup/free-addresses.js';
import type { Config } from '../../../../lib/config/load.js';
import type { ServiceAddress } from '../../../../lib/rpc/protocol/service-address.js';
import { refusingPort } from '../../../helpers/ports.js';
import { serveTcp } from '../../../helpers/raw-service.js';
import { leaveStaleSocket } from '../../../helpers/sockets.js';
import { tempDir } from '../../../helpers/temp.js';

const configOf = (address: ServiceAddress, command?: string[]): Config => {
  const service = { ...address, path: '/', max_pending: 1, ...(command ? { command } : {}) };
  return {
    services: new Map([['svc', service]]),
    actions: new Map(),
    dbpath: '/',
    server: {},
    events: {},
    warnings: [],
  };
};

const check = (address: ServiceAddress, ms = 0): Promise<void> =>
  requireFreeAddresses(configOf(address, ['program']), ms);

const listen = async (t: ExecutionContext, socket: string) => {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => server.close());
  return server;
};

test('a port on which somebody listens is refused by its number and service', async (t) => {
  const port = await serveTcp(t, () => {});
  await t.throwsAsync(check({ port }), {
    message: `something listens on port ${port} (services.svc.port) already: stop it, or choose another port in the config`,
  });
});

test('a socket on which somebody listens is refused by its path and service, and left to him', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  await t.throwsAsync(check({ socket }), {
    message: `something listens on socket ${socket} (services.svc.socket) already: stop it, or choose another socket in the config`,
  });
  await t.notThrowsAsync(access(socket));
});

test('a service that somebody else starts may listen already', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  await t.notThrowsAsync(requireFreeAddresses(configOf({ socket }), 0));
});

test('a socket that was left behind is removed', async (t) => {
  const socket = join(await tempDir(t), 's');
  await leaveStaleSocket(socket);
  await check({ socket });
  await t.throwsAsync(access(socket), { code: 'ENOENT' });
});

test('a file that is no socket is refused by its service, and stays', async (t) => {
  const socket = join(await tempDir(t), 's');
  await writeFile(socket, '');
  await t.throwsAsync(check({ socket }), { message: /^services\.svc\.socket: .* is no socket/ });
  await t.notThrowsAsync(access(socket));
});

test('a listener that ends meanwhile is waited for', async (t) => {
  const socket = join(await tempDir(t), 's');
  const server = await listen(t, socket);
  const free = check({ socket }, 20_000);
  server.close();
  await t.notThrowsAsync(free);
});

test('nobody on a port is fine', async (t) => {
  await t.notThrowsAsync(check({ port: await refusingPort(t) }));
});
