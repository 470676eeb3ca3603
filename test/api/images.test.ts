import test from 'ava';
import { finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const kvm = { id: 'kvm-image', type: 'kvm', size: 64 };
const container = { id: 'container-image', type: 'container', size: 64 };
const request = { id: '', type: '', dest: '', source: '' };

for (const [path, images, methods] of [
  ['/images', [kvm, container], ['Test.listImages', 'Test.containerListImages']],
  ['/images?type=', [kvm, container], ['Test.listImages', 'Test.containerListImages']],
  ['/images?type=kvm', [kvm], ['Test.listImages']],
  ['/images?type=anything', [kvm], ['Test.listImages']],
  ['/images?type=container', [container], ['Test.containerListImages']],
  ['/container_images', [container], ['Test.containerListImages']],
] as const)
  test(`GET ${path} calls ${methods.join(' and ')}`, async (t) => {
    const { call, scripted } = await serveApi(t);
    const { status, body, jobId } = await call('GET', path);
    t.is(status, 200);
    t.deepEqual(body, images as never);
    t.truthy(jobId);
    t.deepEqual(scripted.calls.map(({ method }) => method).sort(), methods.toSorted());
  });

test('leaves out a store that is not configured, and responds with 404 without any', async (t) => {
  const { call } = await serveApi(t, { actions: { containerListImages: undefined } });
  t.deepEqual((await call('GET', '/images')).body, [kvm] as never);
  t.is((await call('GET', '/container_images')).status, 404);
  const none = await serveApi(t, { actions: { containerListImages: undefined, listImages: undefined } });
  const { status, body } = await none.call('GET', '/images');
  t.is(status, 404);
  t.like(body, { message: 'listImages: Not configured' });
});

test('sends every key of an image request, including empty ones', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  await call('GET', '/images?type=kvm');
  await call('GET', '/container_images/busybox');
  const bodies = [{ id: 'a' }, { id: 'b', type: 'kvm', source: 'http://192.0.2.1/b' }];
  for (const body of bodies) await finished(context, (await call('POST', '/images', body)).jobId);
  t.deepEqual(scripted.calls, [
    { method: 'Test.listImages', request: { ...request, type: 'kvm' } },
    { method: 'Test.containerGetImage', request: { ...request, id: 'busybox' } },
    { method: 'Test.fetchImage', request: { ...request, id: 'a' } },
    { method: 'Test.fetchImage', request: { ...request, ...bodies[1] } },
  ] as never);
});

test('fetches an image with a job of the agent', async (t) => {
  const { call, context } = await serveApi(t);
  const { status, text, jobId } = await call('POST', '/images', { id: 'debian-12' });
  t.deepEqual([status, text], [202, '{"images":[]}']);
  t.like(await finished(context, jobId), {
    GuestID: 'agent',
    Action: 'fetchImage',
    Status: 'Complete',
    ImageID: 'debian-12',
  });
});

for (const [path, body] of [
  ['/images', { id: 'busybox', type: 'container' }],
  ['/container_images', { id: 'busybox' }],
  ['/container_images', { id: 'busybox', type: 'kvm' }],
] as const)
  test(`POST ${path} of ${JSON.stringify(body)} fetches a container image`, async (t) => {
    const { call, context, scripted } = await serveApi(t);
    await finished(context, (await call('POST', path, body)).jobId);
    t.deepEqual(scripted.calls, [
      { method: 'Test.containerFetchImage', request: { ...request, id: 'busybox', type: 'container' } },
    ] as never);
  });

for (const body of [undefined, 'null', '{}', '{"id":""}', '{"id":5}', '{"id":"../x"}', '[]'])
  test(`POST /images rejects ${body} with 400`, async (t) => {
    const { call, scripted } = await serveApi(t);
    t.is((await call('POST', '/images', body)).status, 400);
    t.deepEqual(scripted.calls, []);
  });

test('looks for an image in both stores', async (t) => {
  const { call } = await serveApi(t, { methods: { 'Test.getImage': () => ({ images: [] }) } });
  t.deepEqual((await call('GET', '/images/busybox')).body, { ...container, id: 'busybox' } as never);
});

for (const [what, response] of Object.entries({
  'an empty list': () => ({ images: [] }),
  'the error "not found"': () => {
    throw new Error('not found');
  },
  'the error "no such image"': () => {
    throw new Error('image nope: no such image');
  },
}))
  test(`responds with 404 when both stores return ${what}`, async (t) => {
    const methods = { 'Test.getImage': response, 'Test.containerGetImage': response };
    const { call, context } = await serveApi(t, { methods });
    t.is((await call('GET', '/images/nope')).status, 404);
    t.is((await call('GET', '/container_images/nope')).status, 404);
    t.is((await call('DELETE', '/images/nope')).status, 404);
    t.deepEqual(context.jobs.list(), []);
  });

test('accepts an encoded image id with slashes and colons', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('GET', `/container_images/${encodeURIComponent('localhost/busybox:1')}`);
  t.like(body, { id: 'localhost/busybox:1' });
});

test('deletes an image with a job, in the store that has it', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: { 'Test.getImage': () => ({ images: [] }) },
  });
  const { status, text, jobId } = await call('DELETE', '/images/busybox');
  t.deepEqual([status, text], [202, '{}']);
  t.like(await finished(context, jobId), { GuestID: 'agent', Action: 'containerDeleteImage' });
  t.deepEqual(scripted.requests('Test.containerDeleteImage'), [
    { ...request, id: 'busybox', type: 'container' } as never,
  ]);
});

test('deletes a container image in the container store, whatever its type says', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: { 'Test.containerGetImage': ({ id }) => ({ images: [{ id, type: '' }] }) },
  });
  await finished(context, (await call('DELETE', '/container_images/busybox')).jobId);
  t.is(scripted.requests('Test.containerDeleteImage').length, 1);
  t.is(scripted.requests('Test.deleteImage').length, 0);
});
