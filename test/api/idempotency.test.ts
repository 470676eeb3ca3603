import test from 'ava';
import type { Guest } from '../../lib/model/guest.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { tempDir } from '../helpers/temp.js';
import { gate } from '../helpers/wait.js';

// Guarantees: G4.

const KEY = { 'Idempotency-Key': '8e03978e-40d5-43dd-bc93-6894a57f9324' };

test('responds to a repeated request with the same job and carries it out once', async (t) => {
  const { call, context } = await serveApi(t);
  const first = await call('POST', '/guests', { memory: 64 }, KEY);
  const again = await call('POST', '/guests', { memory: 64 }, KEY);
  t.is(first.status, 202);
  t.like(again, { status: 202, jobId: first.jobId, body: first.body });
  t.is(context.guests.list().length, 1);
});

test('recognises keys on every POST that queues a job', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const requests: [string, unknown][] = [
    [`/guests/${id}/snapshots`, { dest: 'monday' }],
    [`/guests/${id}/snapshots/monday/rollback`, {}],
    [`/guests/${id}/start`, undefined],
    ['/images', { id: 'debian-12' }],
    ['/container_images', { id: 'busybox' }],
  ];
  for (const [path, body] of requests) {
    const key = { 'Idempotency-Key': path };
    const first = await call('POST', path, body, key);
    t.is(first.status, 202, first.text);
    t.is((await call('POST', path, body, key)).jobId, first.jobId);
  }
  t.is(context.jobs.list().length, requests.length);
});

test('carries out concurrent requests with one key once', async (t) => {
  const { call, context } = await serveApi(t);
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', '/guests', { memory: 64 }, KEY)),
  );
  t.is(new Set(responses.map(({ jobId }) => jobId)).size, 1);
  t.is(context.jobs.list().length, 1);
});

test('rejects the key of a different body or path with 409', async (t) => {
  const { call, context } = await serveApi(t);
  await call('POST', '/guests', { memory: 64 }, KEY);
  for (const [path, body] of [
    ['/guests', { memory: 65 }],
    ['/images', { id: 'debian-12' }],
  ] as const) {
    const { status, body: response } = await call('POST', path, body, KEY);
    t.is(status, 409);
    t.like(response, {
      message: 'this idempotency key belongs to a different request: send a new request with a new key',
    });
  }
  t.is(context.jobs.list().length, 1);
});

test('rejects the key of a different query with 409, but a client may wait for the job this time', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running' });
  const path = `/guests/${id}/shutdown`;
  const first = await call('POST', `${path}?timeout=90&force=false`, undefined, KEY);
  t.is((await call('POST', `${path}?force=false&timeout=90&wait=30`, undefined, KEY)).jobId, first.jobId);
  for (const query of ['', '?timeout=91&force=false', '?timeout=90&force=true'])
    t.is((await call('POST', `${path}${query}`, undefined, KEY)).status, 409, query);
  t.is(context.jobs.list().length, 1);
});

test('ignores the order of the keys in the body', async (t) => {
  const { call } = await serveApi(t);
  const first = await call('POST', '/guests', '{"memory": 64, "cpu": 1}', KEY);
  t.is((await call('POST', '/guests', '{"cpu":1,"memory":64}', KEY)).jobId, first.jobId);
});

test('repeats a creation with a chosen id without a conflict', async (t) => {
  const { call } = await serveApi(t);
  const guest = { id: '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80', memory: 64 };
  const first = await call('POST', '/guests?wait=30', guest, KEY);
  const again = await call('POST', '/guests?wait=30', guest, KEY);
  t.like(again, { status: 200, jobId: first.jobId, body: first.body });
});

test('remembers a key and its result after a restart without recreating a deleted guest', async (t) => {
  const dbpath = await tempDir(t);
  const one = await serveApi(t, { dbpath });
  const created = await one.call('POST', '/guests?wait=30', { memory: 64, metadata: { 'a.b': 'c' } }, KEY);
  const { id } = created.body as Guest;
  const deletion = { 'Idempotency-Key': 'delete-it' };
  const deleted = await one.call('POST', `/guests/${id}/delete?wait=30`, undefined, deletion);
  t.is(deleted.status, 200);
  await one.stop();
  const two = await serveApi(t, { dbpath });
  t.like(await two.call('POST', `/guests/${id}/delete?wait=30`, undefined, deletion), {
    status: 200,
    jobId: deleted.jobId,
    body: deleted.body,
  });
  const again = await two.call('POST', '/guests?wait=30', { memory: 64, metadata: { 'a.b': 'c' } }, KEY);
  t.like(again, { status: 200, jobId: created.jobId, body: created.body });
  t.deepEqual(two.context.guests.list(), []);
});

test('responds with the failure of a failed job, also after a restart', async (t) => {
  const dbpath = await tempDir(t);
  const fail = (): never => {
    throw new Error('no room');
  };
  const one = await serveApi(t, { dbpath, methods: { 'Test.start': fail } });
  const { id } = await addGuest(one.context, { state: 'shutoff' });
  const failure = { status: 502, body: { message: 'test: no room', code: 502, stack: [] } };
  t.like(await one.call('POST', `/guests/${id}/start?wait=30`, undefined, KEY), failure);
  t.like(await one.call('POST', `/guests/${id}/start?wait=30`, undefined, KEY), failure);
  await one.stop();
  const two = await serveApi(t, { dbpath });
  t.like(await two.call('POST', `/guests/${id}/start?wait=30`, undefined, KEY), failure);
});

test('lets a repeated request wait for the job of the first', async (t) => {
  const { opened, open } = gate();
  const { call, context } = await serveApi(t, {
    methods: {
      'Test.start': async ({ guest }) => {
        await opened;
        return { guest: { ...guest, state: 'running' } };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  const first = await call('POST', `/guests/${id}/start`, undefined, KEY);
  t.is(first.status, 202);
  const again = call('POST', `/guests/${id}/start?wait=30`, undefined, KEY);
  open();
  t.like(await again, { status: 200, jobId: first.jobId, body: { id, state: 'running' } });
});

test('leaves the key of a rejected request unused', async (t) => {
  const { call, context } = await serveApi(t);
  const id = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';
  t.is((await call('POST', `/guests/${id}/start`, undefined, KEY)).status, 404);
  await addGuest(context, { id, state: 'shutoff' });
  const { status, jobId } = await call('POST', `/guests/${id}/start`, undefined, KEY);
  t.is(status, 202);
  t.is((await finished(context, jobId)).Status, 'Complete');
});

test('carries out every request without a key', async (t) => {
  const { call, context } = await serveApi(t);
  await call('POST', '/guests', { memory: 64 });
  await call('POST', '/guests', { memory: 64 });
  t.is(context.guests.list().length, 2);
});

test('rejects a malformed key', async (t) => {
  const { call } = await serveApi(t);
  for (const key of ['', 'with space', 'x'.repeat(256)]) {
    const { status, body } = await call('POST', '/guests', { memory: 64 }, { 'Idempotency-Key': key });
    t.is(status, 400);
    t.regex((body as { message: string }).message, /^Idempotency-Key must be 1 to 255/);
  }
});
