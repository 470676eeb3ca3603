import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { MistifyClient } from '../../lib/client/index.js';
import type { Volume } from '../../lib/model/volume.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const USED: Volume = { name: 'used', guests: ['0e3c5ad5-9b0f-4a2b-8c43-1d3b3f1a7f10'] };
const FREE: Volume = { name: 'free', guests: [], labels: { team: 'shop' } };

const listed = { 'Test.listVolumes': () => ({ volumes: [USED, FREE] }) };

test('GET /volumes lists the volumes, by page and with chosen keys too', async (t) => {
  const { call } = await serveApi(t, { methods: listed });
  t.deepEqual((await call('GET', '/volumes')).body, [USED, FREE]);
  t.deepEqual((await call('GET', '/volumes?limit=1&fields=name')).body, [{ name: 'free' }]);
});

test('POST /volumes creates a volume as a job that names it, and an event follows', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { status, jobId } = await call('POST', '/volumes?wait=5', {
    name: 'data',
    labels: { a: 'b' },
    size: 5,
  });
  t.is(status, 200);
  t.deepEqual(scripted.requests('Test.createVolume') as object[], [
    { name: 'data', labels: { a: 'b' }, size: 5 },
  ]);
  t.like(context.jobs.get(jobId ?? ''), { Action: 'createVolume', VolumeID: 'data', GuestID: 'agent' });
  const { body } = await call('GET', '/events?after=0&limit=1&kind=volume');
  t.regex(String(body), /"change":"created","id":"data"/);
});

test('GET /volumes/{name} is a 404 for an unknown volume', async (t) => {
  const { call } = await serveApi(t, {
    methods: {
      'Test.getVolume': ({ name }) => {
        throw new Refusal('not_found', `volume ${name}: not found`);
      },
    },
  });
  t.is((await call('GET', '/volumes/none')).status, 404);
});

test('DELETE /volumes/{name} is a 409 that names the guests, and a 404 for an unknown volume', async (t) => {
  const { call, scripted } = await serveApi(t, { methods: listed });
  const inUse = await call('DELETE', '/volumes/used');
  t.is(inUse.status, 409);
  t.like(inUse.body as object, {
    message: `volume used is in use: delete these guests first: ${USED.guests[0]}`,
  });
  t.is((await call('DELETE', '/volumes/none')).status, 404);
  t.is((await call('DELETE', '/volumes/free?dryRun=true')).status, 200);
  t.is(scripted.requests('Test.deleteVolume').length, 0);
  t.is((await call('DELETE', '/volumes/free?wait=5')).status, 200);
  t.deepEqual(scripted.requests('Test.deleteVolume') as object[], [{ name: 'free' }]);
});

for (const [body, message] of [
  [{}, /"volume name" is required/],
  [{ name: '../etc' }, /"volume name" must consist of letters, digits and _ \. -/],
  [{ name: 'a'.repeat(129) }, /at most|less than or equal to 128/],
  [{ name: 'a', labels: { 'io.mistify.owner': '/x' } }, /io\.mistify\.owner.*not the name of a label/],
  [{ name: 'a', labels: { a: 1 } }, /"labels\.a" must be a string/],
  [{ name: 'a', size: 0 }, /"size"/],
] as const)
  test(`POST /volumes rejects ${JSON.stringify(body).slice(0, 40)} with 400`, async (t) => {
    const { call, scripted } = await serveApi(t);
    const { status, body: error } = await call('POST', '/volumes', body);
    t.is(status, 400);
    t.regex((error as { message: string }).message, message);
    t.is(scripted.requests('Test.createVolume').length, 0);
  });

test('volumes are a 404 without their actions in the config', async (t) => {
  const { call } = await serveApi(t, { actions: { listVolumes: undefined } });
  const { status, body } = await call('GET', '/volumes');
  t.is(status, 404);
  t.like(body as object, { message: 'listVolumes: Not configured' });
});

test('GET /volumes/{name}/download passes the archive through, and POST …/upload passes one on', async (t) => {
  const volumes = [{ name: 'data', guests: [] }];
  let received = '';
  const { url, scripted } = await serveApi(t, {
    download: () => Readable.from(['the archive'], { objectMode: false }),
    upload: async (_request, bytes) => {
      received = await text(bytes);
      return { volumes };
    },
  });
  const client = new MistifyClient({ url });
  t.is(await text((await client.volumes.download('data')).bytes), 'the archive');
  t.deepEqual(
    await client.volumes.upload('data', Readable.from(['an archive'], { objectMode: false })),
    volumes,
  );
  t.is(received, 'an archive');
  t.deepEqual(scripted.requests('/download') as object[], [{ name: 'data' }]);
  t.deepEqual(scripted.requests('/upload') as object[], [{ name: 'data' }]);
});

/** An agent whose volumes `a`, `b` and `named` no container has mounted. A guest's record names the last. */
const withUnused = async (t: ExecutionContext) => {
  const volumes = ['a', 'b', 'named'].map((name) => ({ name, guests: [] }));
  const api = await serveApi(t, {
    methods: {
      'Test.unusedVolumes': () => ({ volumes }),
      'Test.pruneVolumes': ({ names = [] }) => ({ volumes: names.map((name) => ({ name, guests: [] })) }),
    },
  });
  const mounts = [{ type: 'volume', source: 'named', target: '/data' }] as const;
  await addGuest(api.context, { type: 'container', state: 'error', container: { mounts: [...mounts] } });
  return api;
};

const namesIn = (body: unknown): string[] => (body as Volume[]).map(({ name }) => name);

test('POST /volumes/prune lists in a dry run what no container has mounted and no record names', async (t) => {
  const { call, scripted } = await withUnused(t);
  const { status, body } = await call('POST', '/volumes/prune?dryRun=true');
  t.is(status, 200);
  t.deepEqual(namesIn(body), ['a', 'b']);
  t.deepEqual(scripted.requests('Test.pruneVolumes'), []);
});

test('POST /volumes/prune deletes those volumes in a job about none of them, or only the named ones', async (t) => {
  const { call, context, scripted } = await withUnused(t);
  const { status, body, jobId } = await call('POST', '/volumes/prune?wait=5');
  t.is(status, 200);
  t.deepEqual(namesIn(body), ['a', 'b']);
  t.like(context.jobs.get(jobId ?? ''), { Action: 'pruneVolumes', VolumeID: undefined });
  const some = await call('POST', '/volumes/prune?wait=5', { volumes: ['b', 'named', 'gone'] });
  t.deepEqual(namesIn(some.body), ['b']);
  t.deepEqual(
    scripted.requests('Test.pruneVolumes').map(({ names }) => names),
    [['a', 'b'], ['b']],
  );
  t.is((await call('POST', '/volumes/prune', { volumes: ['../etc'] })).status, 400);
});
