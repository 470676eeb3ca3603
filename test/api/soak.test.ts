import { readdir } from 'node:fs/promises';
import test from 'ava';
import { isFinished } from '../../lib/model/job.js';
import { type Api, callApi, serveApi } from '../helpers/api.js';
import { heapAfterCollection } from '../helpers/heap.js';
import { numberFrom } from '../helpers/property.js';
import { until } from '../helpers/wait.js';

// Guarantees: G20.

/** The duration of the load; raise it for a longer run. */
const SECONDS = numberFrom('MISTIFY_SOAK_SECONDS') ?? 10;
/** The load pauses between parts of this length, to measure the agent at rest. */
const PARTS = 10;
/** The time after which caches and the job log have reached their bounds. */
const SETTLED_PART = 4;
const CLIENTS = 8;
/** Descriptors that kept-alive connections may hold; both of their ends are in this process. */
const CONNECTION_DESCRIPTORS = 2 * CLIENTS;
const MB = 2 ** 20;

interface Sample {
  heapMb: number;
  descriptors: number;
  timers: number;
  requests: number;
}

/** Runs a guest's whole life while clients read around it. */
const live = async ({ url }: Api): Promise<number> => {
  let requests = 0;
  const ask = async (method: string, path: string, body?: unknown) => {
    requests += 1;
    const response = await callApi(url, method, path, body);
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${response.text}`);
    return response;
  };
  const guest = (await ask('POST', '/guests?wait=30', { memory: 64, cpu: 1 })).body as { id: string };
  const path = `/guests/${guest.id}`;
  for (const action of ['suspend', 'resume', 'reboot', 'start'])
    await ask('POST', `${path}/${action}?wait=30`);
  await ask('PATCH', `${path}/metadata`, { owner: 'ops', seen: String(requests) });
  for (const type of ['cpu', 'disk', 'nic']) await ask('GET', `${path}/metrics/${type}`);
  for (const list of [
    '/guests',
    '/guests?limit=5&fields=id,state',
    `${path}/jobs`,
    '/jobs?limit=20',
    '/images',
  ])
    await ask('GET', list);
  await ask('POST', `${path}/snapshots?wait=30`, { dest: 'monday' });
  await ask('GET', `${path}/snapshots`);
  await ask('DELETE', `${path}?wait=30`);
  return requests;
};

const countTimers = (): number =>
  process.getActiveResourcesInfo().filter((type) => type === 'Timeout' || type === 'Immediate').length;

/** Waits until the agent is idle. */
const sample = async ({ context, scripted, asked }: Api, requests: number): Promise<Sample> => {
  await until('every job has ended', () => context.jobs.list().every(isFinished));
  // Excludes the test's own memory.
  for (const grown of [scripted.calls, scripted.stages, asked]) grown.length = 0;
  return {
    heapMb: heapAfterCollection() / MB,
    descriptors: (await readdir('/proc/self/fd')).length,
    timers: countTimers(),
    requests,
  };
};

test(`leaves memory, descriptors and timers unchanged by ${SECONDS} seconds of load`, async (t) => {
  const api = await serveApi(t);
  let requests = 0;
  const samples: Sample[] = [];
  for (let part = 1; part <= PARTS; part += 1) {
    const endAt = performance.now() + (SECONDS * 1000) / PARTS;
    const client = async (): Promise<void> => {
      do {
        const asked = await live(api);
        requests += asked;
      } while (performance.now() < endAt);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    samples.push(await sample(api, requests));
  }
  for (const { heapMb, descriptors, timers, requests: soFar } of samples)
    t.log(`${soFar} requests: ${heapMb.toFixed(1)} MB, ${descriptors} descriptors, ${timers} timers`);
  const [settled, last] = [samples[SETTLED_PART - 1], samples.at(-1)];
  if (!settled || !last) return t.fail();
  t.deepEqual(api.context.guests.list(), []);
  t.true(last.heapMb - settled.heapMb < 10, 'the heap grows');
  t.true(last.descriptors - settled.descriptors <= CONNECTION_DESCRIPTORS, 'descriptors are left open');
  t.true(last.timers - settled.timers <= CLIENTS, 'timers are left running');
});
