import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { changeTokens } from '../../../lib/auth/token-file.js';
import { TokenRegistry } from '../../../lib/auth/token-registry.js';
import { withoutToken } from '../../../lib/auth/tokens.js';
import { SCOPES, type Scope } from '../../../lib/model/principal.js';
import { type Access, SOCKET } from '../../../lib/server/access.js';
import { isWebSocket, type Route } from '../../../lib/server/route.js';
import { createServer } from '../../../lib/server/server.js';
import { readTls } from '../../../lib/server/tls.js';
import { routeTable } from '../../../routes/table.js';
import { startTestAgent, type TestAgent } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { Authority, type Pair } from '../../helpers/authority.js';
import { type Caller, statusFor } from '../../helpers/callers.js';
import { exampleOf, pathOf } from '../../helpers/endpoints.js';
import { makeToken } from '../../helpers/guarded.js';
import { needs } from '../../helpers/needs.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G27.

const REFUSED = [401, 403];

/** The paths that need no credentials; a new one is to be added here on purpose. */
const PUBLIC = ['/healthz', '/readyz', '/openapi.json'];

/** The scope that a route must need by docs/security.md, whatever its table says. */
const neededScope = ({ method, path, reply }: Route): Scope | 'public' => {
  if (PUBLIC.includes(path)) return 'public';
  if (path.startsWith('/debug')) return 'admin';
  if (method !== 'GET' || reply.status !== 200) return 'operate';
  if (/\/(download|files|export|logs)$/.test(path)) return 'export';
  return path === '/metrics' ? 'metrics' : 'read';
};

/** A kind of caller, and the scope that it has; `undefined` for one that must not get in. */
type Kind = [name: string, scope: Scope | undefined, caller: Caller];

/** The requests to a route that need the same scope: HEAD reads what GET reads. */
const methodsOf = (route: Route): string[] =>
  route.method === 'GET' && route.reply.status === 200 ? ['GET', 'HEAD'] : [route.method];

const isAllowed = (needed: Scope | 'public', scope: Scope | undefined): boolean =>
  needed === 'public' || (scope !== undefined && SCOPES.indexOf(scope) >= SCOPES.indexOf(needed));

interface Cell {
  route: Route;
  method: string;
  kind: Kind;
}

const cells = (kinds: readonly Kind[]): Cell[] =>
  routeTable.flatMap((route) =>
    methodsOf(route).flatMap((method) => kinds.map((kind) => ({ route, method, kind }))),
  );

/** Sends a valid request to a route as one kind of caller. */
const send = async ({ context }: TestAgent, { route, method, kind: [, , caller] }: Cell): Promise<number> => {
  const example = await exampleOf(route as Route<never>, context);
  const body = ['POST', 'PATCH'].includes(method) ? example.payload : undefined;
  // An address of its own for each route, because invalid tokens are limited by address.
  const localAddress = `127.0.1.${routeTable.indexOf(route as never) + 1}`;
  const from = caller.socketPath ? caller : { ...caller, localAddress };
  return statusFor(from, { method, path: pathOf(route, example), body, isWebSocket: isWebSocket(route) });
};

/** Sends a valid request to every route as every kind of caller. */
const checkMatrix = async (t: ExecutionContext, agent: TestAgent, kinds: readonly Kind[]): Promise<void> => {
  for (const cell of cells(kinds)) {
    const { route, method, kind } = cell;
    const [name, scope] = kind;
    const status = await send(agent, cell);
    const words = `${name}: ${method} ${route.path}: ${status}`;
    if (isAllowed(neededScope(route), scope)) t.false([...REFUSED, 429].includes(status), words);
    else t.true(REFUSED.includes(status), words);
  }
};

ava('every route lets in exactly the callers whose token covers it', async (t) => {
  t.timeout(300_000);
  const dbpath = await tempDir(t);
  const tokens = new TokenRegistry(dbpath, silentLog);
  const api = await serveApi(t, { dbpath }, undefined, { access: { tokens, certificates: undefined } });
  const server: Caller = { host: '127.0.0.1', port: Number(new URL(api.url).port) };
  const withHeader = (authorization: string): Caller => ({ ...server, headers: { authorization } });
  const expired = await makeToken(dbpath, 'expired', 'admin', 1);
  const revoked = await makeToken(dbpath, 'revoked', 'admin');
  await changeTokens(dbpath, (all) => withoutToken(all, 'revoked'));
  const kinds: Kind[] = [
    ['no credentials', undefined, server],
    ['a malformed header', undefined, withHeader('Basic YTpi')],
    ['a wrong token', undefined, withHeader('Bearer mistify_wrong')],
    ['an expired token', undefined, withHeader(`Bearer ${expired}`)],
    ['a revoked token', undefined, withHeader(`Bearer ${revoked}`)],
  ];
  for (const scope of SCOPES)
    kinds.push([
      `a token of scope ${scope}`,
      scope,
      withHeader(`Bearer ${await makeToken(dbpath, scope, scope)}`),
    ]);
  await checkMatrix(t, api, kinds);
});

needs('openssl')('every route lets in exactly the callers whose certificate covers it', async (t) => {
  t.timeout(300_000);
  const authority = await Authority.make(t);
  const stranger = await Authority.make(t);
  const certificates = new Map<string, Scope>(SCOPES.map((scope) => [scope, scope]));
  const tls = await readTls({ ...(await authority.sign('server')), client_ca: authority.cert });
  const api = await serveApi(t, {}, undefined, { tls, access: { tokens: undefined, certificates } });
  const ca = await readFile(authority.cert);
  const caller = async (pair?: Pair): Promise<Caller> => ({
    host: '127.0.0.1',
    port: Number(new URL(api.url).port),
    tls: { ca, ...(pair ? { cert: await readFile(pair.cert), key: await readFile(pair.key) } : {}) },
  });
  const kinds: Kind[] = [
    ['no certificate', undefined, await caller()],
    ['a certificate that the config does not name', undefined, await caller(await authority.sign('unknown'))],
    ['a certificate of another authority', undefined, await caller(await stranger.sign('admin'))],
    ['a token', undefined, { ...(await caller()), headers: { authorization: 'Bearer mistify_admin' } }],
  ];
  for (const scope of SCOPES)
    kinds.push([`a certificate of scope ${scope}`, scope, await caller(await authority.sign(scope))]);
  await checkMatrix(t, api, kinds);
});

ava('every route lets in the callers of the unix socket', async (t) => {
  t.timeout(300_000);
  const agent = await startTestAgent(t);
  const socketPath = join(await tempDir(t), 'api.sock');
  const access: Access = SOCKET;
  const endpoint = { listen: { socket: socketPath }, access };
  const server = await createServer({ routes: routeTable, pages: [], context: agent.context, endpoint });
  await server.start();
  t.teardown(() => server.stop({ timeout: 100 }));
  const caller: Caller = { socketPath, headers: { host: 'localhost' } };
  await checkMatrix(t, agent, [['the unix socket', 'admin', caller]]);
});
