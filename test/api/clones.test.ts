import test from 'ava';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import { addGuest, finished } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { gate } from '../helpers/wait.js';

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
const WEB: LooseGuest = { state: 'shutoff', memory: 64, cpu: 1, disks: [DISK], metadata: { name: 'web' } };

const messageOf = (body: unknown): string => (body as Error).message;

/** Sends a request with a job, and returns the guest once that has ended. */
const done = async (api: Api, method: string, path: string, body?: object): Promise<[number, Guest]> => {
  const { status, body: guest } = await api.call(method, `${path}?wait=20`, body);
  return [status, guest as Guest];
};

test('clones a guest as a new one with an id and a name of its own', async (t) => {
  const api = await serveApi(t);
  const source = await addGuest(api.context, { ...WEB, state: 'running' });
  const accepted = await api.call('POST', `/guests/${source.id}/clone`, { snapshot: 's1', memory: 128 });
  t.is(accepted.status, 202);
  const clone = accepted.body as Guest;
  t.not(clone.id, source.id);
  t.like(clone, { state: 'create', memory: 128, cpu: 1, metadata: { name: 'web-clone' } });
  const job = await finished(api.context, accepted.jobId);
  t.like(job, { Action: 'clone', GuestID: clone.id, Status: 'Complete' });
  t.regex(job.Message, /SSH host keys and machine-id included/);
  t.like(api.scripted.requests('Test.clone').at(-1), {
    guest: { id: clone.id, memory: 128 },
    change: { source: source.id, snapshot: 's1', linked: false, tpm: 'fresh' },
  });
  const [, second] = await done(api, 'POST', `/guests/${source.id}/clone`);
  t.is(second.metadata?.name, 'web-clone-2');
});

test('starts a clone that is to start, in a job of its own', async (t) => {
  const api = await serveApi(t);
  const source = await addGuest(api.context, WEB);
  const { jobId, body } = await api.call('POST', `/guests/${source.id}/clone`, { start: true });
  await finished(api.context, jobId);
  const jobs = api.context.jobs.list({ guestId: (body as Guest).id });
  t.deepEqual(
    jobs.map(({ Action }) => Action),
    ['start', 'clone'],
  );
});

test('a clone that fails stays in state error, and says why to later requests', async (t) => {
  const api = await serveApi(t, {
    methods: {
      'Test.clone': () => {
        throw new Error('the copy broke off');
      },
    },
    actions: { clone: [{ check: 'Test.check' }] },
  });
  const source = await addGuest(api.context, WEB);
  const { jobId, body } = await api.call('POST', `/guests/${source.id}/clone`, {});
  t.is((await finished(api.context, jobId)).Status, 'Error');
  const { id } = body as Guest;
  t.is(api.context.guests.get(id).state, 'error');
  t.regex(messageOf((await api.call('POST', `/guests/${id}/clone`)).body), /the copy broke off/);
});

test('rejects what cannot be cloned so, before anything is stored', async (t) => {
  const api = await serveApi(t);
  const source = await addGuest(api.context, WEB);
  const container = await addGuest(api.context, { type: 'container' });
  const count = api.context.guests.list().length;
  const cases: [number, string, object, RegExp][] = [
    [
      409,
      source.id,
      { linked: true },
      /name a snapshot of guest .*, make the guest a template, or leave out/,
    ],
    [400, container.id, {}, /only virtual machines can be cloned/],
    [400, source.id, { snapshot: '../x' }, /"snapshot name" must consist of/],
    [400, source.id, { reset: ['everything'] }, /"reset\[0\]" must be one of/],
    [409, source.id, { id: source.id }, /already exists/],
    [409, source.id, { name: 'web' }, /has the name "web"/],
    [404, '11111111-2222-4333-8444-555555555555', {}, /not found/],
  ];
  for (const [status, id, body, message] of cases) {
    const response = await api.call('POST', `/guests/${id}/clone`, body);
    t.is(response.status, status, JSON.stringify(body));
    t.regex(messageOf(response.body), message);
  }
  t.is(api.context.guests.list().length, count);
});

test('a dry run of a clone changes nothing', async (t) => {
  const api = await serveApi(t);
  const source = await addGuest(api.context, WEB);
  const { status, body } = await api.call('POST', `/guests/${source.id}/clone?dryRun=true`, { cpu: 4 });
  t.is(status, 200);
  t.like(body, { cpu: 4, metadata: { name: 'web-clone' } });
  t.is(api.context.guests.list().length, 1);
});

test('a template does not start, keeps its disks, and is cloned linked', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, WEB);
  const [status, template] = await done(api, 'PATCH', `/guests/${id}`, { template: true });
  t.is(status, 200);
  t.true(template.template);
  for (const [method, path] of [
    ['POST', `/guests/${id}/start`],
    ['POST', `/guests/${id}/restart`],
    ['POST', `/guests/${id}/disks`],
    ['DELETE', `/guests/${id}/disks/0`],
    ['POST', `/guests/${id}/snapshots/monday/rollback`],
  ] as const) {
    const response = await api.call(method, path, path.endsWith('disks') ? { size: 1 } : undefined);
    t.is(response.status, 409, path);
    t.regex(messageOf(response.body), /is a template, which does not start/);
  }
  await done(api, 'POST', `/guests/${id}/clone`);
  t.like(api.scripted.requests('Test.clone').at(-1), { change: { source: id, linked: true } });
  t.is(api.context.guests.list().filter((guest) => guest.template).length, 1);
  t.is((await api.call('POST', `/guests/${id}/snapshots?wait=20`, { dest: 's1' })).status, 200);
  const [, again] = await done(api, 'PATCH', `/guests/${id}`, { template: false });
  t.is(again.template, undefined);
  t.is((await api.call('POST', `/guests/${id}/start`)).status, 202);
});

test('only a virtual machine that is off becomes a template', async (t) => {
  const api = await serveApi(t);
  const running = await addGuest(api.context, { ...WEB, state: 'running' });
  const response = await api.call('PATCH', `/guests/${running.id}`, { template: true });
  t.is(response.status, 409);
  t.regex(messageOf(response.body), /is running: shut it down first, then make it a template/);
  const container = await addGuest(api.context, { type: 'container', state: 'stopped' });
  t.is((await api.call('PATCH', `/guests/${container.id}`, { template: true })).status, 400);
});

test('a start that waited when its guest became a template fails', async (t) => {
  const { opened, open } = gate();
  const api = await serveApi(t, {
    methods: {
      'Test.shutdown': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'shutoff' } };
      },
    },
  });
  const { id } = await addGuest(api.context, { ...WEB, state: 'running' });
  const jobs: (string | null)[] = [];
  for (const [method, path, body] of [
    ['POST', '/shutdown', undefined],
    ['PATCH', '', { template: true }],
    ['POST', '/start', undefined],
  ] as const)
    jobs.push((await api.call(method, `/guests/${id}${path}`, body)).jobId);
  open();
  const ended = await Promise.all(jobs.map((job) => finished(api.context, job)));
  t.deepEqual(
    ended.map(({ Status }) => Status),
    ['Complete', 'Complete', 'Error'],
  );
  t.regex(ended[2]?.Message ?? '', /is a template/);
});

test('makes an image of a guest in one request, and tells of it by an event', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { ...WEB, state: 'running' });
  const body = { id: 'web-base', guest: id, snapshot: 's1', disk: '0' };
  const { jobId } = await api.call('POST', '/images', body);
  t.like(await finished(api.context, jobId), { Action: 'createImage', ImageID: 'web-base' });
  t.like(api.scripted.requests('Test.createImage')[0], {
    ...{ id: 'web-base', origin: { guest: id, snapshot: 's1', disk: '0' } },
  });
  const mixed = await api.call('POST', '/images', { id: 'x', guest: id, source: 'http://192.0.2.1/x' });
  t.is(mixed.status, 400);
  t.regex(messageOf(mixed.body), /leave out source, or "guest"/);
  t.is((await api.call('POST', '/images', { id: 'x', disk: '0' })).status, 400);
});
