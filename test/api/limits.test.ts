import test, { type ExecutionContext } from 'ava';
import { addGuest, finished, type TestAgentOptions } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import type { Method } from '../helpers/scripted.js';
import { gate, until } from '../helpers/wait.js';

/** Makes a method that waits, and counts its concurrent calls. */
const counted = (opened: Promise<void>): { response: Method; now: () => number; most: () => number } => {
  let now = 0;
  let most = 0;
  const response: Method = async ({ guest, type }) => {
    now += 1;
    most = Math.max(most, now);
    await opened;
    now -= 1;
    return { guest, type };
  };
  return { response, now: () => now, most: () => most };
};

const serveCounted = async (t: ExecutionContext, method: string, options: TestAgentOptions) => {
  const { opened, open } = gate();
  const calls = counted(opened);
  const api = await serveApi(t, { ...options, methods: { [`Test.${method}`]: calls.response } });
  return { ...api, ...calls, open };
};

test('queues 100 actions of a guest, rejects the next with 429 at once and serves other guests', async (t) => {
  const { call, context, open, now } = await serveCounted(t, 'start', {});
  const { id } = await addGuest(context);
  const path = `/guests/${id}/start`;
  const first = await call('POST', path);
  await until('it runs', () => now() === 1);
  const waiting = await Promise.all(Array.from({ length: 100 }, () => call('POST', path)));
  t.true(waiting.every(({ status }) => status === 202));
  const startedAt = Date.now();
  const { status, headers, body } = await call('POST', path);
  t.is(status, 429);
  t.true(Date.now() - startedAt < 5000);
  t.is(headers.get('retry-after'), '5');
  t.like(body, { code: 429 });
  const other = await addGuest(context);
  t.is((await call('POST', `/guests/${other.id}/suspend`)).status, 202);
  t.is((await call('GET', `/guests/${id}`)).status, 200);
  open();
  for (const { jobId } of [first, ...waiting]) t.is((await finished(context, jobId)).Status, 'Complete');
  t.is((await call('POST', path)).status, 202);
});

for (const max of [1, 4])
  test(`a service with max_pending ${max} gets at most ${max} concurrent calls from all guests together`, async (t) => {
    const { call, context, open, now, most } = await serveCounted(t, 'start', {
      service: { max_pending: max },
    });
    const jobs: (string | null)[] = [];
    for (let count = 0; count < 7; count++) {
      const { id } = await addGuest(context);
      jobs.push((await call('POST', `/guests/${id}/start`)).jobId);
    }
    await until('it is full', () => now() === max);
    open();
    for (const job of jobs) await finished(context, job);
    t.is(most(), max);
  });

test('runs at most 100 info actions of a guest at a time without delaying other guests', async (t) => {
  const { call, context, open, now } = await serveCounted(t, 'cpuMetrics', {
    service: { max_pending: 1000 },
  });
  const [one, two] = [await addGuest(context), await addGuest(context)];
  const responses = Array.from({ length: 101 }, () => call('GET', `/guests/${one.id}/metrics/cpu`));
  await until('100 run', () => now() === 100);
  const other = call('GET', `/guests/${two.id}/metrics/cpu`);
  await until('the other guest is served', () => now() === 101);
  open();
  t.true((await Promise.all([...responses, other])).every(({ status }) => status === 200));
});

test('aborts the call of a client that disconnects', async (t) => {
  const aborted = gate();
  const { opened, open } = gate();
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.cpuMetrics': async ({ guest }, { signal }) => {
        signal.addEventListener('abort', aborted.open);
        await opened;
        return { guest, type: 'cpu' };
      },
    },
  });
  const { id } = await addGuest(context);
  const controller = new AbortController();
  const response = fetch(`${url}/guests/${id}/metrics/cpu`, { signal: controller.signal });
  await until('it is called', () => scripted.calls.length === 1);
  controller.abort();
  await t.throwsAsync(response, { any: true });
  await aborted.opened;
  open();
});
