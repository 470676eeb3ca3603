import test from 'ava';
import { OpenAPIClientAxios, type OpenAPIV3_1 } from 'openapi-client-axios';
import type { Guest } from '../../lib/model/guest.js';
import { serveApi } from '../helpers/api.js';

test('serves the document', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('GET', '/openapi.json');
  t.is(status, 200);
  t.like(body, { openapi: '3.1.0', info: { title: 'Mistify Agent' } });
});

test("a generated client runs a guest's whole life", async (t) => {
  const { url, call } = await serveApi(t);
  const definition = (await call('GET', '/openapi.json')).body as OpenAPIV3_1.Document;
  const client = await new OpenAPIClientAxios({
    definition: { ...definition, servers: [{ url }] } as never,
  }).init();
  const ask = async (operation: string, ...args: unknown[]): Promise<{ status: number; data: unknown }> =>
    (client as unknown as Record<string, (...some: unknown[]) => Promise<{ status: number; data: unknown }>>)[
      operation
    ]?.(...args) ?? t.fail(`there is no ${operation}`);
  const created = await ask('createGuest', { wait: 30 }, { memory: 64, cpu: 1 });
  t.is(created.status, 200);
  const { id } = created.data as Guest;
  for (const action of ['suspendGuest', 'resumeGuest', 'shutdownGuest', 'startGuest', 'powerOffGuest'])
    t.is((await ask(action, { guestID: id, wait: 30 })).status, 200, action);
  t.is((await ask('createSnapshot', { guestID: id, wait: 30 }, { dest: 'monday' })).status, 200);
  t.like((await ask('listSnapshots', { guestID: id })).data, { length: 1 });
  t.is((await ask('rollbackSnapshot', { guestID: id, name: 'monday', wait: 30 }, {})).status, 200);
  t.like((await ask('patchGuestMetadata', { guestID: id }, { owner: 'ops' })).data, { owner: 'ops' });
  t.is((await ask('deleteGuest', { guestID: id, wait: 30 })).status, 200);
  t.deepEqual((await ask('listGuests')).data, []);
  t.is(((await ask('listGuestJobs', { guestID: id })).data as unknown[]).length, 9);
});
