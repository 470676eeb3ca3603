import test from 'ava';
import { getStorageSpace } from '../../../../handlers/storage/get.js';
import { event, rejection, startTestAgent } from '../../../helpers/agent.js';

const SPACE = { size: 1000, free: 400, used: 600 };

test('returns the space, and asks for the leftovers', async (t) => {
  const leftovers = ['tank/guests/a still takes 1 MB: it is held'];
  const { context, scripted } = await startTestAgent(t, {
    methods: { 'Test.storageSpace': () => ({ ...SPACE, leftovers }) },
  });
  const { status, body } = await getStorageSpace(event(), context);
  t.is(status, 200);
  t.deepEqual(body, { ...SPACE, leftovers });
  t.like(scripted.requests('Test.storageSpace'), [{ leftovers: true }]);
});

test('returns an empty list for a sub-agent that names no leftovers', async (t) => {
  const { context } = await startTestAgent(t, { methods: { 'Test.storageSpace': () => SPACE } });
  t.deepEqual((await getStorageSpace(event(), context)).body, { ...SPACE, leftovers: [] });
});

test('fails with 404 without the action in the config', async (t) => {
  const { context } = await startTestAgent(t, { actions: { storageSpace: undefined } });
  t.like(await rejection(t, getStorageSpace(event(), context)), {
    code: 404,
    message: 'storageSpace: Not configured',
  });
});

for (const response of [null, {}, { ...SPACE, free: -1 }, { ...SPACE, leftovers: 'none' }])
  test(`fails with 502 for the response ${JSON.stringify(response)}`, async (t) => {
    const { context } = await startTestAgent(t, { methods: { 'Test.storageSpace': () => response } });
    t.like(await rejection(t, getStorageSpace(event(), context)), { code: 502 });
  });
