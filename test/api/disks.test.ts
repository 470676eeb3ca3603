import test from 'ava';
import type { Disk } from '../../lib/model/guest.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const disk = (number: number, size = 1024): Disk => ({
  ...{ bus: 'virtio', device: '', size, image: '', number },
  ...{ volume: `guests/a/disk-${number}`, source: `/x/disk-${number}.qcow2` },
});

const disks = [disk(0), disk(2)];

test('adds a disk that the stages of addDisk create', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: { 'Test.addDisk': ({ guest }) => ({ guest: { ...guest, disks: [...disks, disk(3, 2048)] } }) },
  });
  const { id } = await addGuest(context, { state: 'running', disks });
  const reply = await call('POST', `/guests/${id}/disks?wait=30`, { size: 2048, bus: 'virtio' });
  t.is(reply.status, 200);
  t.deepEqual((reply.body as { disks: Disk[] }).disks.at(-1), disk(3, 2048));
  t.like(scripted.requests('Test.addDisk')[0], { change: { disk: { size: 2048, bus: 'virtio' } } });
});

test('removes the disk again when its addition fails, by the job that has added it', async (t) => {
  const { call, context, scripted } = await serveApi(t, {
    methods: {
      'Test.addDisk': () => {
        throw new Error('no luck');
      },
    },
  });
  const { id } = await addGuest(context, { state: 'running', disks });
  const reply = await call('POST', `/guests/${id}/disks?wait=30`, { size: 2048 });
  t.is(reply.status, 502);
  const [job] = context.jobs.list({ guestId: id });
  t.like(scripted.requests('Test.removeDisk')[0], { change: { addedBy: job?.ID, keep: false, force: true } });
  t.deepEqual(context.guests.get(id).disks, disks);
});

test('grows and removes a disk by its number, serial or certain device name', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running', disks });
  const serial = `disk2-${id.replaceAll('-', '').slice(0, 12)}`;
  t.is((await call('PATCH', `/guests/${id}/disks/${serial}?wait=30`, { size: 2048 })).status, 200);
  t.like(scripted.requests('Test.changeDisk')[0], { change: { disk: 2, size: 2048 } });
  t.is((await call('DELETE', `/guests/${id}/disks/2?wait=30&keep=true`)).status, 200);
  t.like(scripted.requests('Test.removeDisk')[0], { change: { disk: 2, keep: true, force: false } });
});

test('rejects changes of disks that are not possible, and says what to do', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running', disks });
  const cases: [method: string, path: string, body: unknown, status: number, message: RegExp][] = [
    ['POST', 'disks', {}, 400, /^give the disk a size in MB or an image$/],
    ['POST', 'disks', { size: '10' }, 400, /"size" must be a number/],
    ['POST', 'disks', { size: -1 }, 400, /"size" must be at least 0/],
    ['PATCH', 'disks/0', {}, 400, /"size" is missing|"size" is required/],
    ['PATCH', 'disks/0', { size: 1023 }, 400, /has 1024 MB and cannot become smaller: .* got 1023$/],
    ['PATCH', 'disks/1', { size: 4096 }, 404, /has no disk 1, only 0 \(disk0-\w+\), 2 \(disk2-\w+\)$/],
    ['DELETE', 'disks/vdb', undefined, 409, /may give the name vdb to another disk/],
    ['DELETE', 'disks/99', undefined, 400, /number of a disk/],
    ['DELETE', 'disks/0?keep=maybe', undefined, 400, /"keep"/],
  ];
  for (const [method, path, body, status, message] of cases) {
    const reply = await call(method, `/guests/${id}/${path}`, body);
    t.is(reply.status, status, `${method} ${path}`);
    t.regex((reply.body as { message: string }).message, message);
  }
  t.deepEqual(scripted.calls, []);
});

test('rejects changes of the disks of a container', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container' });
  for (const [method, path, body] of [
    ['POST', 'disks', { size: 1 }],
    ['PATCH', 'disks/0', { size: 1 }],
    ['DELETE', 'disks/0', undefined],
  ] as const)
    t.like(await call(method, `/guests/${id}/${path}`, body), {
      status: 400,
      body: { message: `guest ${id} is a container, which has no disks of its own` },
    });
});

test('gives a disk the size back that it had at the time of a snapshot', async (t) => {
  const { call, context } = await serveApi(t, {
    methods: { 'Test.rollbackSnapshot': () => ({ snapshots: [], sizes: [{ number: 2, size: 512 }] }) },
  });
  const { id } = await addGuest(context, { state: 'shutoff', disks });
  t.is((await call('POST', `/guests/${id}/snapshots/one/rollback?wait=30`)).status, 200);
  t.deepEqual(
    context.guests.get(id).disks?.map(({ size }) => size),
    [1024, 512],
  );
});
