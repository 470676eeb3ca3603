import test from 'ava';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const TAKING = ['shutdown', 'reboot', 'restart', 'start'] as const;

for (const action of TAKING)
  test(`passes timeout and force to the stages of ${action}, and nothing without them`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const { id } = await addGuest(context, { state: 'running' });
    await call('POST', `/guests/${id}/${action}?wait=30`);
    await call('POST', `/guests/${id}/${action}?wait=30&timeout=90&force=true`, { timeout: 5, force: false });
    await call('GET', `/guests/${id}/${action}?wait=30&timeout=1.5`);
    t.deepEqual(
      scripted.requests(`Test.${action}`).map(({ args }) => args),
      [undefined, { timeout: '90', force: 'true' }, { timeout: '1.5' }],
    );
  });

test('replaces the timeout of the config by that of the request, and keeps the other arguments', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    actions: { shutdown: [{ args: { timeout: '10', domain: 'qemu' } }] },
  });
  const { id } = await addGuest(context, { state: 'running' });
  await call('POST', `/guests/${id}/shutdown?wait=30&timeout=20`);
  t.deepEqual(scripted.requests('Test.shutdown')[0]?.args, { timeout: '20', domain: 'qemu' });
});

test('a guest gets the time that the request gives it, even if its stage has a shorter timeout', async (t) => {
  const { call, context } = await serveApi(t, {
    actions: { shutdown: [{ timeout: 0.1 }] },
    methods: {
      'Test.shutdown': async ({ guest }) => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { guest: { id: guest.id, state: 'shutoff' } };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'running' });
  t.is((await call('POST', `/guests/${id}/shutdown?wait=30&timeout=5`)).status, 200);
  t.is((await call('POST', `/guests/${id}/shutdown?wait=30`)).status, 504);
});

test('responds with 409 when a guest does not comply, with the sub-agent’s message in the response and the job', async (t) => {
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.reboot': () => {
        throw new Refusal('conflict', 'guest x did not shut itself down within 5 s');
      },
    },
  });
  const { id } = await addGuest(context, { state: 'running' });
  const answer = await call('POST', `/guests/${id}/reboot?wait=30&timeout=5`);
  t.is(answer.status, 409);
  t.regex((answer.body as { message: string }).message, /did not shut itself down within 5 s/);
  const { jobId } = await call('POST', `/guests/${id}/reboot`);
  t.like(await finished(context, jobId), { Status: 'Error' });
});

for (const query of [
  'timeout=0',
  'timeout=1e-9',
  'timeout=0.9',
  'timeout=-1',
  'timeout=3601',
  'timeout=soon',
  'force=perhaps',
])
  test(`rejects ${query} with 400`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    const { id } = await addGuest(context, { state: 'running' });
    t.is((await call('POST', `/guests/${id}/reboot?${query}`)).status, 400);
    t.is(scripted.calls.length, 0);
  });
