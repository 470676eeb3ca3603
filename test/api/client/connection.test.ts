import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MistifyClient } from '../../../lib/client/index.js';
import { makeCertificate } from '../../helpers/certificates.js';
import { needs } from '../../helpers/needs.js';
import { serveRaw } from '../../helpers/raw-service.js';
import { tempDir } from '../../helpers/temp.js';

const sendEmptyList: RequestListener = (_, response) => response.end('[]');

const listen = async (t: ExecutionContext, server: Server, where: string | number): Promise<Server> => {
  server.listen(where);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return server;
};

const serveTls = async (t: ExecutionContext, options: ServerOptions): Promise<string> => {
  const server = await listen(t, createTlsServer(options, sendEmptyList), 0);
  return `https://localhost:${(server.address() as AddressInfo).port}`;
};

test('connects through a unix socket', async (t) => {
  const path = join(await tempDir(t), 'agent.sock');
  await listen(t, createServer(sendEmptyList), path);
  t.deepEqual((await new MistifyClient({ url: `unix:${path}` }).guests.list()).items, []);
});

test('sends the token with each request', async (t) => {
  const requests: IncomingMessage[] = [];
  const port = await serveRaw(t, (request, response) => {
    requests.push(request);
    sendEmptyList(request, response);
  });
  await new MistifyClient({ url: `http://127.0.0.1:${port}`, token: 'the-token' }).guests.list();
  t.is(requests[0]?.headers.authorization, 'Bearer the-token');
});

test('does not send the token to a redirect', async (t) => {
  let followed = 0;
  const elsewhere = await serveRaw(t, (request, response) => {
    followed += 1;
    sendEmptyList(request, response);
  });
  const port = await serveRaw(t, (_, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${elsewhere}/` }).end(),
  );
  const client = new MistifyClient({ url: `http://127.0.0.1:${port}`, token: 'the-token' });
  t.like(await t.throwsAsync(client.guests.list()), { status: 302 });
  t.is(followed, 0);
});

needs('openssl')('trusts an agent over TLS only by its certificate', async (t) => {
  const { certFile, keyFile } = await makeCertificate(await tempDir(t), 'agent');
  const url = await serveTls(t, { cert: await readFile(certFile), key: await readFile(keyFile) });
  t.deepEqual((await new MistifyClient({ url, caFile: certFile }).guests.list()).items, []);
  t.like(await t.throwsAsync(new MistifyClient({ url }).guests.list()), {
    status: 0,
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  });
});

needs('openssl')('sends a client certificate', async (t) => {
  const dir = await tempDir(t);
  const agent = await makeCertificate(dir, 'agent');
  const mine = await makeCertificate(dir, 'client');
  const url = await serveTls(t, {
    cert: await readFile(agent.certFile),
    key: await readFile(agent.keyFile),
    ca: await readFile(mine.certFile),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const known = { url, caFile: agent.certFile, retries: 0 };
  t.deepEqual((await new MistifyClient({ ...known, ...mine }).guests.list()).items, []);
  t.like(await t.throwsAsync(new MistifyClient(known).guests.list()), { status: 0 });
});

for (const url of ['localhost:8080', 'ftp://localhost', 'unix:agent.sock', ''])
  test(`rejects "${url}" as a URL`, (t) => {
    t.throws(() => new MistifyClient({ url }), { instanceOf: TypeError });
  });

test('the package exports the client', async (t) => {
  const name = 'mistify-agent/client';
  const { MistifyClient: exported } = (await import(name)) as { MistifyClient: unknown };
  t.is(exported, MistifyClient);
});
