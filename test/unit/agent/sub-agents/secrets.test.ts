import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Secrets } from '../../../../lib/agent/sub-agents/secrets.js';
import type { ServiceConfig, ServiceSettings } from '../../../../lib/config/schema.js';
import type { ServiceAddress } from '../../../../lib/rpc/protocol/service-address.js';
import { tempDir } from '../../../helpers/temp.js';

const secretsOf = (services: Record<string, ServiceAddress & Partial<ServiceSettings>>): Promise<Secrets> =>
  Secrets.load(
    new Map<string, ServiceConfig>(
      Object.entries(services).map(([name, service]) => [name, { path: '/', max_pending: 1, ...service }]),
    ),
  );

const command = ['mistify-storage'];

test('generates a new secret at each start for a port with a command', async (t) => {
  const services = { a: { port: 1, command }, b: { port: 2, command } };
  const [first, second] = [await secretsOf(services), await secretsOf(services)];
  const all = [1, 2].flatMap((port) => [first.get({ port }), second.get({ port })]);
  t.is(new Set(all).size, 4);
  for (const secret of all) t.regex(secret ?? '', /^[\w-]{43}$/);
});

test('shares the secret between services at one address', async (t) => {
  const secrets = await secretsOf({ stream: { port: 1, path: '/x' }, rpc: { port: 1, command } });
  t.truthy(secrets.get({ port: 1 }));
});

test('generates no secret for a socket or for a port without a command', async (t) => {
  const secrets = await secretsOf({ a: { socket: '/s', command }, b: { port: 1 } });
  t.is(secrets.get({ socket: '/s' }), undefined);
  t.is(secrets.get({ port: 1 }), undefined);
});

test('reads the secret file of a service without a command', async (t) => {
  const file = join(await tempDir(t), 'secret');
  await writeFile(file, '0123456789abcdef\n', { mode: 0o600 });
  const secrets = await secretsOf({ a: { port: 1, secret_file: file }, b: { port: 1, path: '/x' } });
  t.is(secrets.get({ port: 1 }), '0123456789abcdef');
});

test('rejects an unusable secret file, naming the service', async (t) => {
  const file = join(await tempDir(t), 'secret');
  await writeFile(file, '0123456789abcdef\n', { mode: 0o644 });
  await t.throwsAsync(secretsOf({ a: { port: 1, secret_file: file } }), {
    message: /^services\.a\.secret_file: .*chmod 600/,
  });
});
