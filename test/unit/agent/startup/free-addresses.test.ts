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

// Guarantees: G21.

const configOf = (address: ServiceAddress, command?: string[]): Config => {
  const service = { ...address, path: '/', max_pending: 1, ...(command ? { command } : {}) };
  return {
    services: new Map([['svc', service]]),
    actions: new Map(),
    dbpath: '/',
    server: {},
    events: {},
    guests: {},
    warnings: [],
    privateAddresses: [],
    quota: {},
    schedules: {},
    catalogue: { sources: new Map() },
    fleet: {},
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

test('rejects a port in use, naming it and the service', async (t) => {
  const port = await serveTcp(t, () => {});
  await t.throwsAsync(check({ port }), {
    message: `port ${port} (services.svc.port) is in use by another process: stop it, or configure another port`,
  });
});

test('rejects a socket in use, naming it and the service, and leaves it in place', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  await t.throwsAsync(check({ socket }), {
    message: `socket ${socket} (services.svc.socket) is in use by another process: stop it, or configure another socket`,
  });
  await t.notThrowsAsync(access(socket));
});

test('accepts an address in use by a service without a command', async (t) => {
  const socket = join(await tempDir(t), 's');
  await listen(t, socket);
  await t.notThrowsAsync(requireFreeAddresses(configOf({ socket }), 0));
});

test('removes a stale socket', async (t) => {
  const socket = join(await tempDir(t), 's');
  await leaveStaleSocket(socket);
  await check({ socket });
  await t.throwsAsync(access(socket), { code: 'ENOENT' });
});

test('rejects a file that is not a socket, naming the service, and keeps it', async (t) => {
  const socket = join(await tempDir(t), 's');
  await writeFile(socket, '');
  await t.throwsAsync(check({ socket }), { message: /^services\.svc\.socket: .* is not a socket/ });
  await t.notThrowsAsync(access(socket));
});

test('waits for a listener that is about to stop', async (t) => {
  const socket = join(await tempDir(t), 's');
  const server = await listen(t, socket);
  const free = check({ socket }, 20_000);
  server.close();
  await t.notThrowsAsync(free);
});

test('accepts a free port', async (t) => {
  await t.notThrowsAsync(check({ port: await refusingPort(t) }));
});
