import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { type Api, serveApi } from '../../helpers/api.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G32.

type Entry = Record<string, unknown>;

const entries = async ({ dbpath }: Api): Promise<Entry[]> => {
  // The first entry creates the file.
  const text = await readFile(join(dbpath, 'audit.log'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
};

test("records a change with its client, guest and job, and then the job's result", async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const { jobId } = await api.call('POST', `/guests/${id}/start`);
  const [asked, ended] = await until('both are there', async () => {
    const noted = await entries(api);
    return noted.length === 2 ? noted : undefined;
  });
  t.like(asked, {
    event: 'request',
    principal: 'local',
    address: '127.0.0.1',
    method: 'POST',
    route: '/guests/{guestID}/start',
    guest: id,
    job: jobId,
    status: 202,
  });
  t.like(ended, { event: 'job', job: jobId, guest: id, action: 'start', status: 'Complete', message: '' });
  t.true([asked, ended].every((entry) => !Number.isNaN(Date.parse(String(entry?.time)))));
});

test('records each job of a schedule, before its result', async (t) => {
  const api = await serveApi(t);
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  const { id } = await addGuest(api.context, { disks: [disk] });
  const spec = { name: 'nightly', guests: { all: true }, cron: '@daily' };
  const { body } = await api.call('POST', '/schedules', spec);
  await api.call('POST', `/schedules/${(body as { id: string }).id}/run`);
  const [, , begun, ended] = await until('all are there', async () => {
    const noted = await entries(api);
    return noted.length === 4 ? noted : undefined;
  });
  t.like(begun, { event: 'schedule', principal: 'schedule', schedule: 'nightly', guest: id });
  t.like(ended, { event: 'job', action: 'createSnapshot', job: begun?.job });
});

test('records the creation of a guest with its generated id', async (t) => {
  const api = await serveApi(t);
  const { body } = await api.call('POST', '/guests', { memory: 64 });
  const [asked] = await until('it is there', async () => {
    const noted = await entries(api);
    return noted.length > 0 ? noted : undefined;
  });
  t.like(asked, { route: '/guests', guest: (body as { id: string }).id });
});

test('records rejected changes, but no reads and no bodies', async (t) => {
  const api = await serveApi(t);
  await api.call('GET', '/guests');
  await api.call('PATCH', '/metadata', { password: 'hunter2', wrong: 1 });
  await api.call('PATCH', '/metadata', { password: 'hunter2' });
  const noted = await until('they are there', async () => {
    const all = await entries(api);
    return all.length >= 2 ? all : undefined;
  });
  t.deepEqual(
    noted.map(({ method, route, status }) => [method, route, status]),
    [
      ['PATCH', '/metadata', 400],
      ['PATCH', '/metadata', 200],
    ],
  );
  t.notRegex(JSON.stringify(noted), /hunter2/);
});

test('makes the file readable by its owner alone', async (t) => {
  const api = await serveApi(t);
  await api.call('PATCH', '/metadata', { a: '1' });
  const { mode } = await until('it is there', () =>
    stat(join(api.dbpath, 'audit.log')).catch(() => undefined),
  );
  t.is(mode & 0o777, 0o600);
});

test('records every refusal, also of reads, with its reason and without the token', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const reader = { Authorization: `Bearer ${await makeToken(dbpath, 'monitoring', 'metrics')}` };
  await api.call('GET', '/metrics', undefined, reader);
  const refused: [string, string, Record<string, string>, number][] = [
    ['GET', '/guests', {}, 401],
    ['GET', '/images', { Authorization: 'Bearer mistify_wrong' }, 401],
    ['GET', '/guests', reader, 403],
    ['PATCH', '/metadata', reader, 403],
    ['GET', '/debug/pprof/cmdline', reader, 403],
  ];
  for (const [method, path, headers, status] of refused) {
    const body = method === 'PATCH' ? {} : undefined;
    t.is((await api.call(method, path, body, headers)).status, status, path);
  }
  const noted = await until('they are there', async () => {
    const all = await entries(api);
    return all.length >= refused.length ? all : undefined;
  });
  t.deepEqual(
    noted.map(({ method, route, status }) => [method, route, status]),
    refused.map(([method, path, , status]) => [method, path, status]),
  );
  t.true(noted.every(({ reason }) => typeof reason === 'string'));
  t.is(noted[2]?.principal, 'monitoring');
  t.notRegex(JSON.stringify(noted), /mistify_/);
});

test('records the first of many invalid tokens, and the number of the others', async (t) => {
  const { api } = await serveGuarded(t);
  for (let n = 0; n < 25; n += 1)
    await api.call('GET', '/guests', undefined, { Authorization: 'Bearer mistify_wrong' });
  await api.context.audit.close();
  t.deepEqual(
    (await entries(api)).map(({ route, status, count }) => [route, status, count]),
    [
      ['/guests', 401, undefined],
      ['/guests', 429, undefined],
      ['/guests', 401, 19],
      ['/guests', 429, 4],
    ],
  );
});
