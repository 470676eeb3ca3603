import test from 'ava';
import { routeTable } from '../../routes/table.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { exampleOf, pathOf } from '../helpers/endpoints.js';

const changes = routeTable.filter(({ method, reply }) => method !== 'GET' || reply.status === 202);

for (const route of changes)
  test(`a dry run of ${route.method} ${route.path} responds with 200 and changes nothing`, async (t) => {
    const { call, context } = await serveApi(t);
    const example = await exampleOf(route, context);
    const before = [context.guests.list(), context.jobs.list(), context.metadata.all()];
    const path = pathOf(route, { ...example, query: { ...example.query, dryRun: true } });
    const response = await call(route.method, path, route.method === 'GET' ? undefined : example.payload);
    t.is(response.status, 200, response.text);
    t.is(response.jobId, null);
    t.is(route.reply.schema?.validate(response.body, { convert: false }).error, undefined);
    t.deepEqual([context.guests.list(), context.jobs.list(), context.metadata.all()], before);
  });

test('a dry run of a create responds with the guest as it would be', async (t) => {
  const { call } = await serveApi(t);
  const { body } = await call('POST', '/guests?dryRun=true', { memory: 64, cpu: 1 });
  t.like(body, { state: 'create', memory: 64, cpu: 1 });
});

test('rejects a dry run with the error of the real request', async (t) => {
  const { call, context } = await serveApi(t, { actions: { suspend: undefined } });
  const { id } = await addGuest(context);
  const refused: [string, string, unknown, number][] = [
    ['POST', '/guests', { id }, 409],
    ['POST', '/guests', { memory: -1 }, 400],
    ['POST', '/guests', { memroy: 64 }, 400],
    ['POST', `/guests/${id}/suspend`, undefined, 404],
    ['POST', `/guests/${id}/snapshots/monday/rollback`, {}, 409],
    ['PATCH', '/metadata', { big: 'x'.repeat(300_000) }, 400],
    ['DELETE', '/jobs/6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80', undefined, 404],
  ];
  for (const [method, path, body, status] of refused)
    t.is((await call(method, `${path}?dryRun=true`, body)).status, status, `${method} ${path}`);
});

test('leaves the idempotency key of a dry run unused', async (t) => {
  const { call } = await serveApi(t);
  const key = { 'Idempotency-Key': 'k' };
  t.is((await call('POST', '/guests?dryRun=true', { memory: 64 }, key)).status, 200);
  t.is((await call('POST', '/guests', { memory: 65 }, key)).status, 202);
});
