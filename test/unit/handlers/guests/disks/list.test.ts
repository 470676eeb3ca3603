import test, { type ExecutionContext } from 'ava';
import { listDisks } from '../../../../../handlers/guests/disks/list.js';
import type { Context } from '../../../../../lib/agent/context.js';
import type { Disk, Guest } from '../../../../../lib/model/guest.js';
import { addGuest, event, rejection, startTestAgent } from '../../../../helpers/agent.js';

const DISK: Disk = {
  bus: 'virtio',
  device: 'vda',
  size: 64,
  volume: 'guests/a/disk-0',
  image: '',
  source: '',
};
const DISKS = [DISK, { ...DISK, device: 'vdb', volume: 'guests/a/disk-1' }];

const start = async (t: ExecutionContext, response: unknown, guest: Partial<Guest> = {}, actions = {}) => {
  const agent = await startTestAgent(t, { actions, methods: { 'Test.diskUse': () => response } });
  const { id } = await addGuest(agent.context, { disks: DISKS, ...guest });
  return { ...agent, params: { guestID: id } };
};

const list = (params: { guestID: string }, context: Context) => listDisks(event({ params }), context);

test('adds what the storage reports to each disk that it knows', async (t) => {
  const { context, params } = await start(t, { disks: [{ volume: 'guests/a/disk-1', used: 3 }] });
  const { status, body } = await list(params, context);
  t.is(status, 200);
  t.deepEqual(body, [DISK, { ...DISK, device: 'vdb', volume: 'guests/a/disk-1', used: 3 }]);
});

test('lists the disks alone without the action in the config', async (t) => {
  const { context, params } = await start(t, null, {}, { diskUse: undefined });
  t.deepEqual((await list(params, context)).body, DISKS);
});

for (const guest of [{ disks: [] }, { type: 'container' }])
  test(`does not ask the storage about ${JSON.stringify(guest)}`, async (t) => {
    const { context, params, scripted } = await start(t, { disks: [] }, guest);
    t.deepEqual((await list(params, context)).body, guest.disks ?? DISKS);
    t.deepEqual(scripted.requests('Test.diskUse'), []);
  });

for (const response of [{ disks: [{ used: 3 }] }, { disks: 'none' }, { disks: [{ volume: 'a', used: -1 }] }])
  test(`fails with 502 for the response ${JSON.stringify(response)}`, async (t) => {
    const { context, params } = await start(t, response);
    t.like(await rejection(t, list(params, context)), { code: 502 });
  });

test('fails with 404 for an unknown guest', async (t) => {
  const { context } = await start(t, { disks: [] });
  const guestID = '11111111-2222-4333-8444-555555555555';
  t.like(await rejection(t, list({ guestID }, context)), { code: 404 });
});
