import test from 'ava';
import { createGuest } from '../../../../handlers/guests/create.js';
import { restartGuest } from '../../../../handlers/guests/restart.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import { addGuest, event, finished, startTestAgent } from '../../../helpers/agent.js';
import { gate, until } from '../../../helpers/wait.js';

test('runs a stage again after the requested seconds, with the current guest', async (t) => {
  const times: number[] = [];
  const { context, scripted } = await startTestAgent(t, {
    methods: {
      'Test.start': ({ guest }) => {
        times.push(Date.now());
        const again = times.length < 3;
        const state = again ? `step ${times.length}` : 'running';
        return { guest: { ...guest, state }, ...(again ? { retry: 0.05 } : {}) };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
  t.deepEqual(
    scripted.requests('Test.start').map(({ guest }) => guest.state),
    ['shutoff', 'step 1', 'step 2'],
  );
  t.true((times[2] ?? 0) - (times[0] ?? 0) >= 95, String(times));
  t.is(context.guests.get(id).state, 'running');
});

test('fails a stage that keeps asking for a retry once its timeout would pass', async (t) => {
  const { context, scripted } = await startTestAgent(t, {
    methods: { 'Test.start': ({ guest }) => ({ guest, retry: 0.6 }) },
    actions: { start: [{ timeout: 2 }] },
  });
  const { id } = await addGuest(context);
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  const job = await finished(context, headers?.['X-Guest-Job-ID']);
  t.like(job, { Status: 'Error' });
  t.regex(job.Message, /^test: Test\.start still asks for a retry after \d+ attempts$/);
  t.true(scripted.requests('Test.start').length <= 4);
});

test('does not count the wait for room against the retries', async (t) => {
  const { opened, open } = gate();
  let asked = 0;
  const { context, scripted } = await startTestAgent(t, {
    service: { max_pending: 1 },
    actions: { restart: [{ timeout: 1 }] },
    methods: {
      'Test.start': ({ guest }) => opened.then(() => ({ guest })),
      'Test.restart': ({ guest }) => ({ guest, ...(asked++ === 0 ? { retry: 0.01 } : {}) }),
    },
  });
  const [first, second] = [await addGuest(context), await addGuest(context)];
  await startGuest(event({ params: { guestID: first.id } }), context);
  await until('it runs', () => scripted.requests('Test.start').length === 1);
  const { headers } = await restartGuest(event({ params: { guestID: second.id } }), context);
  setTimeout(open, 1200);
  t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
});

test('fails a stage that keeps asking for a retry after 100 attempts', async (t) => {
  const { context, scripted } = await startTestAgent(t, {
    methods: { 'Test.start': ({ guest }) => ({ guest, retry: 0.0001 }) },
  });
  const { id } = await addGuest(context);
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  const job = await finished(context, headers?.['X-Guest-Job-ID']);
  t.is(job.Message, 'test: Test.start still asks for a retry after 100 attempts');
  t.is(scripted.requests('Test.start').length, 100);
});

for (const retry of [0, -1, null, '5', {}])
  test(`ignores a retry of ${JSON.stringify(retry)}`, async (t) => {
    const { context, scripted } = await startTestAgent(t, {
      methods: { 'Test.create': ({ guest }) => ({ guest, retry }) },
    });
    const { headers } = await createGuest(event({ payload: {} }), context);
    t.is((await finished(context, headers?.['X-Guest-Job-ID'])).Status, 'Complete');
    t.is(scripted.requests('Test.create').length, 1);
  });
