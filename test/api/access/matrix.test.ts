import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { changeTokens } from '../../../lib/auth/token-file.js';
import { TokenRegistry } from '../../../lib/auth/token-registry.js';
import { withoutToken } from '../../../lib/auth/tokens.js';
import type { Guest } from '../../../lib/model/guest.js';
import {
  type Grant,
  grantOf,
  grantsOfScope,
  mayEverywhere,
  VERBS,
  type Verb,
} from '../../../lib/model/rights.js';
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

const POWER = /\/(shutdown|reboot|restart|poweroff|start|suspend|save|resume)$/;

const KINDS: [Verb, RegExp][] = [
  ['backup', /[/_]backups/],
  ['snapshot', /\/snapshots/],
  ['change', /^\/guests/],
];

/** What can be read with more than the right to look. */
const READS: [Verb, RegExp][] = [
  ['content', /\/(download|files|export|logs)$/],
  ['host', /^\/audit$/],
];

/** The rights that a request to a route needs by docs/security.md, whatever the table of routes says. */
const neededRights = ({ method, path, reply }: Route): Verb[] => {
  if (PUBLIC.includes(path)) return [];
  if (path.startsWith('/debug')) return ['admin'];
  if (path === '/metrics') return ['metrics'];
  if (method === 'GET' && reply.status === 200)
    return [READS.find(([, where]) => where.test(path))?.[0] ?? 'look'];
  if (/\/(exec|files|console\/\w+|agent\/[\w-]+)$/.test(path)) return ['console'];
  // The job in the example starts a guest.
  if (POWER.test(path) || path === '/jobs/{jobID}') return ['power'];
  if (path === '/volume_backups/{backupID}/restore') return ['host'];
  if (path.endsWith('/restore')) return ['backup', 'content', 'change'];
  if (path === '/backups/prune') return ['host'];
  if (path.endsWith('/clone')) return ['change', 'content'];
  return [KINDS.find(([, where]) => where.test(path))?.[0] ?? 'host'];
};

/** What a client that only sees some guests may still ask for: lists show no others. */
const SHARED = [
  ...['GET /guests', 'GET /jobs', 'GET /backups', 'GET /volumes', 'GET /events', 'GET /metrics/guests'],
  ...['GET /images', 'GET /images/{imageID}', 'GET /container_images', 'GET /container_images/{imageID}'],
  ...['GET /networks', 'GET /catalogue', 'GET /services', 'GET /access'],
];

/** A kind of caller, and its rights; `undefined` for one that must not get in. */
type Kind = [name: string, grants: Grant[] | undefined, caller: Caller];

/** The requests to a route that need the same rights: HEAD reads what GET reads. */
const methodsOf = (route: Route): string[] =>
  route.method === 'GET' && route.reply.status === 200 ? ['GET', 'HEAD'] : [route.method];

const isAllowed = (needed: readonly Verb[], grants: Grant[] | undefined): boolean =>
  needed.every((verb) => grants && mayEverywhere({ grants }, verb));

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
const send = async (
  { context }: TestAgent,
  { route, method, kind: [, , caller] }: Cell,
  labels: Pick<Guest, 'tags'> = {},
): Promise<number> => {
  const example = await exampleOf(route as Route<never>, context, labels);
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
    const [name, grants] = kind;
    const status = await send(agent, cell);
    const words = `${name}: ${method} ${route.path}: ${status}`;
    if (isAllowed(neededRights(route), grants)) t.false([...REFUSED, 429].includes(status), words);
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
  // Scopes are sets of them.
  for (const verb of VERBS) {
    const grants = [grantOf([verb])];
    kinds.push([verb, grants, withHeader(`Bearer ${await makeToken(dbpath, verb, grants)}`)]);
  }
  await checkMatrix(t, api, kinds);
});

ava('a token for some guests reaches nothing of the others, and nothing of the host', async (t) => {
  t.timeout(300_000);
  const dbpath = await tempDir(t);
  const tokens = new TokenRegistry(dbpath, silentLog);
  const api = await serveApi(t, { dbpath }, undefined, { access: { tokens, certificates: undefined } });
  const grants = grantsOfScope('admin', { tags: ['web'] });
  const authorization = `Bearer ${await makeToken(dbpath, 'web', grants)}`;
  const caller = { host: '127.0.0.1', port: Number(new URL(api.url).port), headers: { authorization } };
  for (const cell of cells([['web', grants, caller]])) {
    const { route, method } = cell;
    const words = `${method} ${route.path}`;
    const foreign = await send(api, cell);
    const own = await send(api, cell, { tags: ['web'] });
    if (PUBLIC.includes(route.path) || SHARED.includes(`${route.method} ${route.path}`)) {
      t.deepEqual([foreign, own], [200, 200], words);
    } else if (route.path.includes('/{guestID}')) {
      t.is(foreign, 404, words);
      t.false([...REFUSED, 429].includes(own), `${words}: ${own}`);
    } else if (route.path.startsWith('/jobs/')) {
      t.deepEqual([foreign, own], [404, 200], words);
    } else t.true([403, 404].includes(foreign), `${words}: ${foreign}`);
  }
});

/** Scopes are the same for certificates as for tokens. */
const CERTIFIED = ['read', 'operate'] as const;

needs('openssl')('every route lets in exactly the callers whose certificate covers it', async (t) => {
  t.timeout(300_000);
  const authority = await Authority.make(t);
  const stranger = await Authority.make(t);
  const certificates = new Map(CERTIFIED.map((scope) => [scope, grantsOfScope(scope)]));
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
  for (const scope of CERTIFIED)
    kinds.push([
      `a certificate of scope ${scope}`,
      grantsOfScope(scope),
      await caller(await authority.sign(scope)),
    ]);
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
  await checkMatrix(t, agent, [['the unix socket', grantsOfScope('admin'), caller]]);
});
