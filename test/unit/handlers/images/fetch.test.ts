import test from 'ava';
import { fetchContainerImage } from '../../../../handlers/container-images/fetch.js';
import { fetchImage } from '../../../../handlers/images/fetch.js';
import { event, finished, jobIdOf, rejection, startTestAgent } from '../../../helpers/agent.js';

const payload = { id: 'debian-12', source: 'http://192.0.2.1/debian-12.qcow2' };

test('queues a job of the agent and replies without images', async (t) => {
  const { context, scripted } = await startTestAgent(t);
  const reply = await fetchImage(event({ payload }), context);
  t.like(reply, { status: 202, body: { images: [] } });
  t.like(await finished(context, jobIdOf(reply)), { GuestID: 'agent', Status: 'Complete' });
  t.like(scripted.requests('Test.fetchImage')[0], payload);
});

test('replies with the image when the client waits', async (t) => {
  const { context } = await startTestAgent(t);
  const { status, body } = await fetchImage(event({ payload, query: { wait: 30 } }), context);
  t.is(status, 200);
  t.like(body, { images: [{ id: 'debian-12', type: 'kvm' }] });
});

for (const [name, handler] of [
  ['fetchImage with type container', fetchImage],
  ['fetchContainerImage', fetchContainerImage],
] as const)
  test(`${name} calls the container action`, async (t) => {
    const { context, scripted } = await startTestAgent(t);
    const image = { id: 'busybox', ...(handler === fetchImage ? { type: 'container' } : {}) };
    await handler(event({ payload: image, query: { wait: 30 } }), context);
    t.like(scripted.requests('Test.containerFetchImage')[0], { id: 'busybox', type: 'container' });
  });

test('rejects with 404 a fetch that is not configured', async (t) => {
  const { context } = await startTestAgent(t, { actions: { fetchImage: undefined } });
  t.like(await rejection(t, fetchImage(event({ payload }), context)), {
    code: 404,
    message: 'fetchImage: Not configured',
  });
});
