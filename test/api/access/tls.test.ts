import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import ava, { type ExecutionContext } from 'ava';
import axios from 'axios';
import { grantsOfScope } from '../../../lib/model/rights.js';
import { LOCAL } from '../../../lib/server/access.js';
import { createServer } from '../../../lib/server/server.js';
import { readTls, reloadTls } from '../../../lib/server/tls.js';
import { routeTable } from '../../../routes/table.js';
import { startTestAgent } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { Authority, type Pair } from '../../helpers/authority.js';
import { needs } from '../../helpers/needs.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('openssl');

const serveMutual = async (t: ExecutionContext, authority: Authority): Promise<string> => {
  const tls = await readTls({ ...(await authority.sign('server')), client_ca: authority.cert });
  const certificates = new Map([['ops', grantsOfScope('operate')]]);
  return (await serveApi(t, {}, undefined, { tls, access: { tokens: undefined, certificates } })).url;
};

/** Sends a request over TLS, with or without a client certificate. */
const ask = async (url: string, authority: Authority, pair?: Pair) => {
  const client = pair ? { cert: await readFile(pair.cert), key: await readFile(pair.key) } : {};
  const httpsAgent = new Agent({ ca: await readFile(authority.cert), ...client });
  return axios.get(url, { httpsAgent, proxy: false, validateStatus: () => true });
};

test('identifies a client by its certificate and grants the configured scope', async (t) => {
  const authority = await Authority.make(t);
  const url = await serveMutual(t, authority);
  const ops = await authority.sign('ops');
  t.is((await ask(`${url}/guests`, authority, ops)).status, 200);
  t.is((await ask(`${url}/debug/pprof/cmdline`, authority, ops)).status, 403);
});

test('rejects a missing certificate, one of another authority and one that is not configured', async (t) => {
  const authority = await Authority.make(t);
  const url = await serveMutual(t, authority);
  t.is((await ask(`${url}/guests`, authority, await authority.sign('stranger'))).status, 403);
  const other = await Authority.make(t);
  t.is((await ask(`${url}/guests`, authority, await other.sign('ops'))).status, 403);
  t.is((await ask(`${url}/guests`, authority)).status, 403);
});

test('asks for a certificate, and not for a token, where only certificates identify clients', async (t) => {
  const authority = await Authority.make(t);
  const { status, data, headers } = await ask(`${await serveMutual(t, authority)}/guests`, authority);
  t.is(status, 403);
  t.is(data.message, 'credentials required: present a client certificate');
  t.false('www-authenticate' in headers);
});

const serialSeen = async (port: number, ca: Buffer): Promise<string> => {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
};

test('serves a replaced certificate, but not a broken one', async (t) => {
  const authority = await Authority.make(t);
  const dir = await tempDir(t);
  const files = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
  const put = async ({ cert, key }: Pair): Promise<void> => {
    await copyFile(key, files.key);
    await copyFile(cert, files.cert);
  };
  await put(await authority.sign('first'));
  const { context } = await startTestAgent(t);
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await createServer({
    routes: routeTable,
    pages: [],
    context,
    endpoint: { listen, access: LOCAL, tls: await readTls(files) },
  });
  await server.start();
  const forget = reloadTls(server.listener as Server, files, silentLog);
  t.teardown(async () => {
    forget();
    await server.stop();
  });
  const ca = await readFile(authority.cert);
  const port = Number(server.info.port);
  const first = await serialSeen(port, ca);
  const second = await authority.sign('second');
  await put(second);
  process.emit('SIGHUP', 'SIGHUP');
  const expected = new X509Certificate(await readFile(second.cert)).serialNumber;
  await until('the new one is served', async () => (await serialSeen(port, ca)) === expected);
  t.not(first, expected);
  await put({ cert: authority.cert, key: second.key });
  process.emit('SIGHUP', 'SIGHUP');
  t.is(await serialSeen(port, ca), expected);
});

ava('rejects an unusable certificate before anything is served', async (t) => {
  await t.throwsAsync(readTls({ cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' }), {
    message: /^server\.tls cannot be used: ENOENT.*cert\.pem/,
  });
});
