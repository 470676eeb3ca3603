import test from 'ava';
import { serveApi } from '../helpers/api.js';

const DEVICES = { tablet: false, video: 'virtio', watchdog: 'reset', vmgenid: true } as const;

test('passes the devices of a new guest to its sub-agent, and shows what it says', async (t) => {
  const { call, scripted } = await serveApi(t, {
    actions: { create: [{ method: 'Test.create' }] },
    methods: { 'Test.create': ({ guest: { id } }) => ({ guest: { id, devices: DEVICES } }) },
  });
  const body = { memory: 64, devices: { video: 'virtio', watchdog: 'reset' } };
  const reply = await call('POST', '/guests?wait=30', body);
  t.like(reply, { status: 200, body: { devices: DEVICES } });
  t.like(scripted.requests('Test.create')[0]?.guest, { devices: body.devices });
});

test('rejects devices that it does not know, half a machine, and hardware for a container', async (t) => {
  const { call } = await serveApi(t);
  const cases: [object, RegExp][] = [
    [{ devices: { video: 'cirrus' } }, /"devices\.video" must be one of/],
    [{ machine: { type: 'pc-q35-7.2' } }, /"machine\.type" and "machine\.layout" belong together/],
    [{ type: 'container', image: 'x', devices: { video: 'std' } }, /"devices" describes virtual hardware/],
  ];
  for (const [body, message] of cases) {
    const reply = await call('POST', '/guests', body);
    t.is(reply.status, 400, JSON.stringify(body));
    t.regex((reply.body as { message: string }).message, message);
  }
});
