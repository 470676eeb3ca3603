import test from 'ava';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import type { Warm } from '../../lib/model/warm.js';
import { addGuest, finished } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
const TEMPLATE: LooseGuest = {
  ...{ state: 'shutoff', memory: 64, cpu: 1, disks: [DISK] },
  ...{ template: true, metadata: { name: 'base' } },
};
const WARM: Warm = {
  ...{ id: 'w1', at: '2026-11-30T16:00:00.000Z', ready: { agent: true }, timeout: 300, randomness: 'fresh' },
  ...{ qemu: '7.2.22', accel: 'kvm', cpuModel: 'host', machine: 'pc-q35-7.2', memory: 64, size: 40 },
};

const messageOf = (body: unknown): string => (body as Error).message;

/** Clones a guest and returns what its sub-agent was asked for. */
const originOf = async (api: Api, id: string, request: object): Promise<unknown> => {
  const { jobId } = await api.call('POST', `/guests/${id}/clone`, request);
  await finished(api.context, jobId);
  return api.scripted.requests('Test.clone').at(-1)?.change;
};

test('warms a template as its request says, and cools it', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, TEMPLATE);
  const request = { ready: { serial: 'login:' }, timeout: 60, randomness: 'shared' };
  const { status, jobId } = await api.call('POST', `/guests/${id}/warm`, request);
  t.is(status, 202);
  t.like(await finished(api.context, jobId), { Action: 'warm', GuestID: id, Status: 'Complete' });
  t.deepEqual(api.scripted.requests('Test.warm').at(-1)?.change, request);
  const cooled = await api.call('DELETE', `/guests/${id}/warm`);
  t.is(cooled.status, 202);
  t.like(await finished(api.context, cooled.jobId), { Action: 'cool', Status: 'Complete' });
});

test('only a template can be warmed, and only by a known sign that it is ready', async (t) => {
  const api = await serveApi(t);
  const guest = await addGuest(api.context, { ...TEMPLATE, template: false });
  const refused = await api.call('POST', `/guests/${guest.id}/warm`);
  t.is(refused.status, 409);
  t.regex(messageOf(refused.body), /is no template: make it one first/);
  const { id } = await addGuest(api.context, { ...TEMPLATE, metadata: { name: 'other' } });
  for (const ready of [{}, { serial: 'up', seconds: 1 }, { agent: false }, { seconds: 0 }])
    t.is((await api.call('POST', `/guests/${id}/warm`, { ready })).status, 400);
  t.deepEqual(api.scripted.requests('Test.warm'), []);
});

test('a linked clone of a warm template resumes, unless it is to be another machine', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { ...TEMPLATE, warm: WARM });
  t.like(await originOf(api, id, {}), { source: id, linked: true, warm: 'w1' });
  for (const request of [
    { warm: false },
    { linked: false },
    { snapshot: 's1' },
    { reset: ['ssh-host-keys'] },
  ])
    t.is(((await originOf(api, id, request)) as { warm?: string }).warm, undefined);
  const clones = api.context.guests.list().filter((guest) => guest.id !== id);
  t.true(clones.every((guest) => guest.warm === undefined));
});

test('a warm template is cooled before it is a guest again', async (t) => {
  const api = await serveApi(t);
  const warm = await addGuest(api.context, { ...TEMPLATE, warm: WARM });
  const booting = await addGuest(api.context, { ...TEMPLATE, state: 'running', metadata: { name: 'two' } });
  for (const [{ id }, message] of [
    [warm, /is warm: cool it first/],
    [booting, /is running, as while it is being warmed/],
  ] as const)
    for (const template of [false, null]) {
      const { status, body } = await api.call('PATCH', `/guests/${id}`, { template });
      t.is(status, 409);
      t.regex(messageOf(body), message);
    }
});

test('a template is not cloned while it boots', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { ...TEMPLATE, state: 'running' });
  const { status, body } = await api.call('POST', `/guests/${id}/clone`);
  t.is(status, 409);
  t.regex(messageOf(body), /is running, as while it is being warmed/);
});

test('what a sub-agent no longer reports of a warm template is forgotten', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { ...TEMPLATE, warm: WARM });
  const { revisions, guests } = api.context.runtime;
  await revisions.report({ id, state: 'shutoff', vnc: 0, revision: 1 });
  t.is((guests.get(id) as Guest).warm, undefined);
  await revisions.report({ id, state: 'shutoff', vnc: 0, revision: 2, warm: WARM });
  t.deepEqual(guests.get(id).warm, WARM);
});
