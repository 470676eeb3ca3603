import { randomInt } from 'node:crypto';
import { Agent } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { isFinished } from '../../lib/model/job.js';
import type { Route } from '../../lib/server/route.js';
import { routeTable } from '../../routes/table.js';
import { type Api, serveApi } from '../helpers/api.js';
import { type Example, exampleOf } from '../helpers/endpoints.js';
import { bytesFor, exchange } from '../helpers/fuzz/raw.js';
import { type FuzzRequest, requestFor } from '../helpers/fuzz/requests.js';
import { type FuzzResponse, send } from '../helpers/fuzz/send.js';
import { heapAfterCollection } from '../helpers/heap.js';
import { numberFrom, SEED } from '../helpers/property.js';
import { Random } from '../helpers/random.js';
import { until } from '../helpers/wait.js';

// Guarantees: G19.

/** The number of requests; raise it for a longer run. */
const REQUESTS = numberFrom('MISTIFY_FUZZ_REQUESTS') ?? 3000;
const CLIENTS = 8;
/** Requests after which a client makes a new example, since many requests change or delete theirs. */
const RENEW_AFTER = 20;
const RESPONSE_MS = 30_000;
/** How long a client waits, in milliseconds; profiles take longer. */
const PROFILE_MS = 100;
const MB = 2 ** 20;

const isProfile = ({ path }: Route): boolean => path.endsWith('{profile}');

/** Describes what is wrong with a response; `undefined` when nothing is. */
const faultOf = ({ status, contentType, text }: FuzzResponse, { method }: FuzzRequest, dbpath: string) => {
  if (status >= 500) return `a ${status}`;
  if (status < 400) return undefined;
  if (text.includes(dbpath) || /\.[jt]s:\d+/.test(text)) return 'an error that reveals internals';
  if (method === 'HEAD') return undefined;
  if (!contentType.startsWith('application/json')) return `an error of type ${contentType}`;
  const { message, code, stack, ...rest } = JSON.parse(text) as Record<string, unknown>;
  const isShaped =
    typeof message === 'string' &&
    message !== '' &&
    code === status &&
    String(stack) === '' &&
    !Object.keys(rest)[0];
  return isShaped ? undefined : 'an error of another shape';
};

interface Tally {
  asked: number;
  unanswered: number;
  statuses: Map<number, number>;
  succeeded: Set<Route>;
}

/** Sends one request after the other. */
const fuzz = async (api: Api, random: Random, requests: number, tally: Tally): Promise<void> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const port = Number(new URL(api.url).port);
  const examples = new Map<Route, { example: Example; uses: number }>();
  for (let count = 0; count < requests; count += 1) {
    const route = random.pick(routeTable);
    let known = examples.get(route);
    if (!known || known.uses >= RENEW_AFTER)
      known = { example: await exampleOf(route, api.context), uses: 0 };
    known.uses += 1;
    examples.set(route, known);
    const request = requestFor(route, known.example, random);
    const response = await send(port, agent, request, isProfile(route) ? PROFILE_MS : RESPONSE_MS);
    tally.asked += 1;
    if (!response) {
      tally.unanswered += 1;
      continue;
    }
    const fault = faultOf(response, request, api.dbpath);
    if (fault)
      throw new Error(`${fault}: ${JSON.stringify(request).slice(0, 2000)}\n${response.text.slice(0, 2000)}`);
    tally.statuses.set(response.status, (tally.statuses.get(response.status) ?? 0) + 1);
    if (response.status < 300) tally.succeeded.add(route);
  }
  agent.destroy();
};

/** Cancels the jobs of the examples, which hang until they are cancelled. */
const settle = async ({ context }: Api): Promise<void> => {
  for (const { ID } of context.jobs.list().filter((job) => !isFinished(job)))
    await context.runtime.queue.cancel(ID).catch(() => {});
  await until('every job has ended', () => context.jobs.list().every(isFinished));
};

const seeded = (t: ExecutionContext): Random => {
  const seed = SEED ?? randomInt(2 ** 31);
  t.log(`MISTIFY_SEED=${seed}`);
  return new Random(seed);
};

test('random requests to every route cause no 5xx, errors keep their shape, and the agent stays healthy', async (t) => {
  const random = seeded(t);
  const api = await serveApi(t);
  const tally: Tally = { asked: 0, unanswered: 0, statuses: new Map(), succeeded: new Set() };
  const run = (share: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: CLIENTS }, () =>
        fuzz(api, new Random(random.below(2 ** 31)), Math.ceil((REQUESTS * share) / CLIENTS), tally),
      ),
    );
  await run(0.3);
  const before = heapAfterCollection();
  await run(0.7);
  await settle(api);
  const growth = (heapAfterCollection() - before) / MB;
  const statuses = [...tally.statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`);
  t.log(`${tally.asked} requests, ${statuses.join(', ')}, unanswered: ${tally.unanswered}`);
  t.log(`heap grew by ${growth.toFixed(1)} MB in the last 70 %`);
  const never = routeTable.filter((route) => !tally.succeeded.has(route) && !isProfile(route));
  t.true(
    never.length <= routeTable.length / 10,
    `never succeeded: ${never.map(({ method, path }) => `${method} ${path}`)}`,
  );
  t.true(growth < 30 + REQUESTS / 1000, `the heap grew by ${growth} MB`);
  t.is((await api.call('GET', '/guests')).status, 200);
});

test('malformed HTTP causes no 5xx, and the agent closes every connection in the end', async (t) => {
  const random = seeded(t);
  const api = await serveApi(t, {}, { headers: 500, request: 1000, check: 100, stall: 1000, stop: 100 });
  const port = Number(new URL(api.url).port);
  const clients = Array.from({ length: 32 }, async () => {
    for (let count = 0; count < REQUESTS / 500; count += 1) {
      const bytes = bytesFor(random);
      const answered = await exchange(port, bytes, random.below(bytes.length + 1), RESPONSE_MS);
      const codes = [...answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
      if (codes.some((code) => code >= 500))
        throw new Error(`${codes} to ${JSON.stringify(bytes.toString('latin1'))}`);
    }
  });
  await Promise.all(clients);
  t.is((await api.call('GET', '/guests')).status, 200);
});
