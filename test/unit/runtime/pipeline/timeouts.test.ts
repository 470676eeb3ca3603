import test, { type ExecutionContext } from 'ava';
import { getCpuMetrics } from '../../../../handlers/guests/metrics/cpu.js';
import { getDiskMetrics } from '../../../../handlers/guests/metrics/disk.js';
import { downloadSnapshot } from '../../../../handlers/guests/snapshots/download.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { suspendGuest } from '../../../../handlers/guests/suspend.js';
import { buildAction } from '../../../../lib/runtime/pipeline/action.js';
import { Service } from '../../../../lib/runtime/pipeline/service.js';
import { addGuest, event, finished, startTestAgent, type TestAgentOptions } from '../../../helpers/agent.js';
import { gate, until } from '../../../helpers/wait.js';

/** Returns a method that does not respond before the test ends. */
const hang = (t: ExecutionContext): (() => Promise<never>) => {
  const { opened, open } = gate();
  t.teardown(open);
  return async () => {
    await opened;
    throw new Error('too late');
  };
};

const withGuest = async (t: ExecutionContext, options: TestAgentOptions) => {
  const agent = await startTestAgent(t, options);
  const { id } = await addGuest(agent.context);
  return { ...agent, params: { guestID: id } };
};

for (const [what, options] of [
  ['its stage', { actions: { start: [{ timeout: 0.05 }] } }],
  ['its service', { service: { timeout: 0.05 } }],
] as const)
  test(`fails a job that takes longer than ${what} allows`, async (t) => {
    const methods = { 'Test.start': hang(t) };
    const { context, params } = await withGuest(t, { ...(options as TestAgentOptions), methods });
    const { headers } = await startGuest(event({ params }), context);
    const job = await finished(context, headers?.['X-Guest-Job-ID']);
    t.like(job, { Status: 'Error', Message: 'test: no response to Test.start within 0.05 s' });
  });

test("prefers a stage's timeout to its service's", async (t) => {
  const { context, params } = await withGuest(t, {
    service: { timeout: 60 },
    actions: { start: [{ timeout: 0.05 }] },
    methods: { 'Test.start': hang(t) },
  });
  const { headers } = await startGuest(event({ params }), context);
  t.regex((await finished(context, headers?.['X-Guest-Job-ID'])).Message, /within 0\.05 s/);
});

test('continues the queue after a sub-agent that never responds', async (t) => {
  const { context, params } = await withGuest(t, {
    actions: { start: [{ timeout: 0.05 }] },
    methods: { 'Test.start': hang(t) },
  });
  await startGuest(event({ params }), context);
  const { headers } = await suspendGuest(event({ params }), context);
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
});

test('times out an info action and aborts its call', async (t) => {
  const aborted = gate();
  const hanging = hang(t);
  const { context, params } = await withGuest(t, {
    actions: { cpuMetrics: [{ timeout: 1 }] },
    methods: {
      'Test.cpuMetrics': (_request, { signal }) => {
        signal.addEventListener('abort', aborted.open);
        return hanging();
      },
    },
  });
  t.like(await t.throwsAsync(getCpuMetrics(event({ params }), context)), {
    kind: 'timeout',
    message: 'test: no response to Test.cpuMetrics within 1 s',
  });
  await aborted.opened;
});

test('does not call an info action that timed out while waiting for room', async (t) => {
  const { opened, open } = gate();
  const { context, params, scripted } = await withGuest(t, {
    service: { max_pending: 1 },
    actions: { cpuMetrics: [{ timeout: 0.05 }] },
    methods: { 'Test.start': ({ guest }) => opened.then(() => ({ guest })) },
  });
  const { headers } = await startGuest(event({ params }), context);
  await until('it runs', () => scripted.requests('Test.start').length === 1);
  await t.throwsAsync(getCpuMetrics(event({ params }), context), { message: /within 0\.05 s/ });
  open();
  await finished(context, headers?.['X-Guest-Job-ID']);
  await getDiskMetrics(event({ params }), context);
  t.deepEqual(scripted.requests('Test.cpuMetrics'), []);
});

test('times out a stream that does not begin, aborts it and frees its slot', async (t) => {
  let ended = 0;
  const hanging = hang(t);
  const { context, params, scripted } = await withGuest(t, {
    service: { max_pending: 1 },
    actions: { downloadSnapshot: [{ service: 'download', timeout: 0.2 }] },
    download: (_request, { signal }) => {
      signal.addEventListener('abort', () => {
        ended += 1;
      });
      return hanging();
    },
  });
  const download = () => downloadSnapshot(event({ params: { ...params, name: 'monday' } }), context);
  for (let attempt = 1; attempt <= 6; attempt++) t.like(await t.throwsAsync(download()), { kind: 'timeout' });
  await until('the sub-agent saw all aborts', () => ended === scripted.requests('/download').length);
});

test('defaults to 10 seconds for info, streams and consoles, and to 600 for async actions', (t) => {
  const refuse = () => Promise.reject(new Error());
  const client = {
    call: async () => ({}),
    open: refuse,
    upload: refuse,
    connect: refuse,
    cancel: async () => {},
    close: () => {},
  };
  const services = new Map([['test', new Service('test', client, 4)]]);
  const config = { stages: [{ service: 'test', method: 'A.B' }] };
  const timeouts = ['cpuMetrics', 'downloadSnapshot', 'serialConsole', 'create'].map(
    (name) => buildAction(name, config, services).stages[0]?.timeout,
  );
  t.deepEqual(timeouts, [10, 10, 10, 600]);
});
