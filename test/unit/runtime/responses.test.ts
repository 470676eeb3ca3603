import test, { type ExecutionContext } from 'ava';
import { getCpuMetrics } from '../../../handlers/guests/metrics/cpu.js';
import { getDiskMetrics } from '../../../handlers/guests/metrics/disk.js';
import { getNicMetrics } from '../../../handlers/guests/metrics/nic.js';
import { listSnapshots } from '../../../handlers/guests/snapshots/list.js';
import { startGuest } from '../../../handlers/guests/start.js';
import { getImage } from '../../../handlers/images/get.js';
import { listImages } from '../../../handlers/images/list.js';
import type { Job } from '../../../lib/model/job.js';
import { addGuest, event, finished, startTestAgent, type TestAgent } from '../../helpers/agent.js';
import type { AnyRequest } from '../../helpers/scripted.js';

const OTHER_ID = '11111111-2222-4333-8444-555555555555';

/** Runs `start` with a sub-agent that gives the response; returns the finished job and the agent. */
const started = async (
  t: ExecutionContext,
  respond: (request: AnyRequest) => unknown,
): Promise<{ job: Job; agent: TestAgent; id: string }> => {
  const agent = await startTestAgent(t, { methods: { 'Test.start': respond } });
  const { id } = await addGuest(agent.context, { state: 'shutoff', memory: 128 });
  const { headers } = await startGuest(event({ params: { guestID: id } }), agent.context);
  return { job: await finished(agent.context, headers?.['X-Guest-Job-ID']), agent, id };
};

const BAD_GUESTS: Record<string, [(request: AnyRequest) => unknown, RegExp]> = {
  'no guest': [() => ({}), /^test: the response to Test\.start has no guest$/],
  'a null guest': [() => ({ guest: null }), /has no guest$/],
  'a guest that is text': [() => ({ guest: 'running' }), /malformed guest/],
  'a guest without an id': [() => ({ guest: { state: 'running' } }), /has guest undefined, expected/],
  "another guest's id": [
    ({ guest }) => ({ guest: { ...guest, id: OTHER_ID, state: 'running' } }),
    new RegExp(`has guest ${OTHER_ID}, expected`),
  ],
  'a guest whose memory is text': [
    ({ guest }) => ({ guest: { ...guest, memory: 'much', state: 'running' } }),
    /malformed guest: .*memory/,
  ],
  'a guest whose disks are no list': [
    ({ guest }) => ({ guest: { ...guest, disks: {}, state: 'running' } }),
    /malformed guest: .*disks/,
  ],
};

for (const [what, [respond, message]] of Object.entries(BAD_GUESTS))
  test(`rejects a response with ${what} and stores nothing`, async (t) => {
    const { job, agent, id } = await started(t, respond);
    t.is(job.Status, 'Error');
    t.regex(job.Message, message);
    t.deepEqual(agent.context.guests.list(), [{ id, state: 'shutoff', memory: 128 }]);
  });

test('ignores unknown keys in a response', async (t) => {
  const { job, agent, id } = await started(t, ({ guest }) => ({
    guest: { ...guest, state: 'running', colour: 'red' },
    more: 1,
  }));
  t.is(job.Status, 'Complete');
  t.deepEqual(agent.context.guests.get(id), { id, state: 'running', memory: 128 });
});

test('removes fields that are empty in a response, as Go encodes them', async (t) => {
  const empty = { image: '', nics: null, disks: [], vnc: 0, memory: 0, cpu: 0, metadata: null };
  const { job, agent, id } = await started(t, ({ guest }) => ({
    guest: { ...guest, ...empty, state: 'running' },
  }));
  t.deepEqual([job.Status, job.Message], ['Complete', '']);
  t.deepEqual(agent.context.guests.get(id), { id, state: 'running' });
});

test('ignores a revision that is not a number', async (t) => {
  for (const revision of [null, 'new', {}]) {
    const { agent, id } = await started(t, ({ guest }) => ({
      guest: { ...guest, state: 'running' },
      revision,
    }));
    t.is(agent.context.guests.get(id).state, 'running');
  }
});

const BAD_LISTS: Record<string, unknown> = {
  'a word': 'many',
  'a hash': {},
  'a list of words': ['one'],
  'a list of null': [null],
  'a list without ids': [{ size: 5 }],
};

for (const [what, list] of Object.entries(BAD_LISTS))
  test(`rejects ${what} in place of a list of images or snapshots`, async (t) => {
    const { context } = await startTestAgent(t, {
      methods: {
        'Test.listImages': () => ({ images: list }),
        'Test.getImage': () => ({ images: list }),
        'Test.listSnapshots': () => ({ snapshots: list }),
      },
    });
    const { id } = await addGuest(context);
    const calls = [
      () => listImages(event({ query: { type: 'kvm' } }), context),
      () => getImage(event({ params: { imageID: 'x' } }), context),
      () => listSnapshots(event({ params: { guestID: id } }), context),
    ];
    for (const call of calls) t.like(await t.throwsAsync(call), { kind: 'bad_answer' });
  });

test('treats a null list of images or snapshots as empty, as Go encodes it', async (t) => {
  const { context } = await startTestAgent(t, {
    methods: {
      'Test.listImages': () => ({ images: null }),
      'Test.listSnapshots': () => ({ snapshots: null }),
    },
  });
  const { id } = await addGuest(context);
  t.deepEqual((await listImages(event({ query: { type: 'kvm' } }), context)).body, []);
  t.deepEqual((await listSnapshots(event({ params: { guestID: id } }), context)).body, []);
});

const metricsHandlers = { cpu: getCpuMetrics, disk: getDiskMetrics, nic: getNicMetrics };
const EMPTY = { cpu: [], disk: {}, nic: {} };

for (const type of ['cpu', 'disk', 'nic'] as const) {
  const metrics = (t: ExecutionContext, response: unknown): Promise<unknown> =>
    startTestAgent(t, { methods: { [`Test.${type}Metrics`]: () => response } }).then(async ({ context }) => {
      const { id } = await addGuest(context);
      return (await metricsHandlers[type](event({ params: { guestID: id } }), context)).body;
    });

  test(`rejects ${type} metrics of the wrong shape`, async (t) => {
    for (const wrong of ['many', 5, type === 'cpu' ? {} : []])
      t.like(await t.throwsAsync(metrics(t, { type, [type]: wrong })), { kind: 'bad_answer' });
  });

  test(`treats absent and null ${type} metrics as empty`, async (t) => {
    t.deepEqual(await metrics(t, { type }), EMPTY[type]);
    t.deepEqual(await metrics(t, { type, [type]: null }), EMPTY[type]);
  });
}
