import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';

type Item = Record<string, unknown>;

/** Reads a list page by page. */
const pagesOf = async ({ call }: Api, first: string): Promise<Item[][]> => {
  const pages: Item[][] = [];
  for (let path: string | undefined = first; path; ) {
    const { body, headers } = await call('GET', path);
    pages.push(body as Item[]);
    path = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  }
  return pages;
};

const addGuests = async ({ context }: Api, count: number): Promise<string[]> => {
  const ids: string[] = [];
  while (ids.length < count) ids.push((await addGuest(context, { memory: 64 })).id);
  return ids;
};

const addJobs = async ({ context }: Api, guestId: string, count: number): Promise<string[]> => {
  const ids: string[] = [];
  while (ids.length < count)
    ids.unshift((await context.jobs.add(guestId, 'start', { kind: 'guest', name: 'start' })).ID);
  return ids;
};

test('pages through guests in the order of their creation', async (t) => {
  const api = await serveApi(t);
  const ids = await addGuests(api, 5);
  const pages = await pagesOf(api, '/guests?limit=2');
  t.deepEqual(
    pages.map((page) => page.map(({ id }) => id)),
    [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)],
  );
});

test('continues after the last guest of a page even when it is gone and others were added', async (t) => {
  const api = await serveApi(t);
  const ids = await addGuests(api, 4);
  const { headers } = await api.call('GET', '/guests?limit=2');
  await api.context.guests.remove(ids[1] ?? '');
  const [late] = await addGuests(api, 1);
  const next = /<(.+)>/.exec(headers.get('link') ?? '')?.[1] ?? '';
  const { body } = await api.call('GET', next.replace('limit=2', 'limit=9'));
  t.deepEqual(
    (body as Item[]).map(({ id }) => id),
    [...ids.slice(2), late],
  );
});

test('pages through jobs, newest first', async (t) => {
  const api = await serveApi(t);
  const guestId = (await addGuests(api, 1))[0] ?? '';
  const ids = await addJobs(api, guestId, 5);
  for (const path of ['/jobs', `/guests/${guestId}/jobs`])
    t.deepEqual(
      (await pagesOf(api, `${path}?limit=3`)).map((page) => page.map(({ ID }) => ID)),
      [ids.slice(0, 3), ids.slice(3)],
    );
});

test('pages through images and snapshots, sorted by id', async (t) => {
  const named = (id: string) => ({ id, type: 'kvm', size: 1 });
  const api = await serveApi(t, {
    actions: { containerListImages: undefined },
    methods: {
      'Test.listImages': () => ({ images: ['c', 'a', 'b'].map(named) }),
      'Test.listSnapshots': () => ({ snapshots: ['z', 'y', 'x'].map((id) => ({ id, size: 1 })) }),
    },
  });
  const [guest] = await addGuests(api, 1);
  const idsOf = async (path: string): Promise<unknown[][]> =>
    (await pagesOf(api, path)).map((page) => page.map(({ id }) => id));
  t.deepEqual(await idsOf('/images?limit=2'), [['a', 'b'], ['c']]);
  t.deepEqual(await idsOf(`/guests/${guest}/snapshots?limit=2`), [['x', 'y'], ['z']]);
});

test('returns only the selected fields on every page', async (t) => {
  const api = await serveApi(t);
  const [id] = await addGuests(api, 3);
  const pages = await pagesOf(api, '/guests?fields=state,id&limit=2');
  t.deepEqual(pages[0]?.[0], { id, state: 'running' });
  t.true(pages.flat().every((item) => Object.keys(item).length === 2));
  await addJobs(api, id ?? '', 1);
  t.deepEqual((await api.call('GET', '/jobs?fields=Status')).body, [{ Status: 'Queued' }]);
});

test('rejects an unknown field and a made-up cursor', async (t) => {
  const { call } = await serveApi(t);
  const unknown = await call('GET', '/guests?fields=id,colour');
  t.is(unknown.status, 400);
  t.regex(
    (unknown.body as Item).message as string,
    /^"fields" contains unknown keys \(colour\): choose from id,/,
  );
  const cursor = await call('GET', '/guests?cursor=abc');
  t.is(cursor.status, 400);
  t.regex((cursor.body as Item).message as string, /^"cursor" is not from this list/);
});

test('returns only the guests that have at least one of the tags, on every page', async (t) => {
  const api = await serveApi(t);
  const ids: string[] = [];
  for (const tags of [['web', 'shop'], [], ['web'], ['db'], ['shop']])
    ids.push((await addGuest(api.context, { tags })).id);
  const [both = '', , web = '', , shop = ''] = ids;
  const idsOf = async (path: string): Promise<unknown[]> =>
    (await pagesOf(api, path)).map((page) => page.map(({ id }) => id));
  t.deepEqual(await idsOf('/guests?tag=web'), [[both, web]]);
  t.deepEqual(await idsOf('/guests?tag=web,shop&limit=2'), [[both, web], [shop]]);
  t.deepEqual(await idsOf('/guests?tag=shop&limit=1&fields=id'), [[both], [shop]]);
  t.deepEqual(await idsOf('/guests?tag=nothing'), [[]]);
  const { status, body } = await api.call('GET', '/guests?tag=two%20words');
  t.is(status, 400);
  t.regex((body as Item).message as string, /^"tag" must contain different tags of letters, digits/);
});

test('links to no next page after a complete list', async (t) => {
  const api = await serveApi(t);
  await addGuests(api, 2);
  t.is((await api.call('GET', '/guests?limit=2')).headers.get('link'), null);
  t.is((await api.call('GET', '/guests')).headers.get('link'), null);
});

test('sends a long list whole and in order', async (t) => {
  const api = await serveApi(t);
  const ids = await addGuests(api, 450);
  const { body, headers } = await api.call('GET', '/guests');
  t.deepEqual(
    (body as Item[]).map(({ id }) => id),
    ids,
  );
  t.regex(headers.get('content-type') ?? '', /^application\/json/);
});

test('lists a guest as it is after a change', async (t) => {
  const api = await serveApi(t);
  const [id = ''] = await addGuests(api, 1);
  await api.call('GET', '/guests');
  await api.call('PATCH', `/guests/${id}/metadata`, { owner: 'ops' });
  const { body } = await api.call('GET', '/guests');
  t.deepEqual((body as Item[])[0]?.metadata, { owner: 'ops' });
});
