import test from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const STRICT = { Prefer: 'handling=strict' };

/** Misspelt and unsupported keys, as people send them. */
const BODY = {
  memroy: 64,
  disks: [{ size: 8 }, { size: 8, sise: 9 }],
  nics: [{ network: 'user', ip: '192.0.2.7' }],
};
const PATHS = ['memroy', 'disks[1].sise', 'nics[0].ip'];

test('ignores unknown keys, and lists them in a header', async (t) => {
  const { call } = await serveApi(t);
  const { status, body, headers } = await call('POST', '/guests?name=web', BODY);
  t.is(status, 202);
  t.deepEqual(headers.get('x-ignored-keys')?.split(', ').toSorted(), [...PATHS, '?name'].toSorted());
  t.is(headers.get('preference-applied'), null);
  t.false(JSON.stringify(body).includes('192.0.2.7'));
});

test('lists nothing when the whole request is known', async (t) => {
  const { call } = await serveApi(t);
  const metadata = { 'any.key': 'x' };
  const { status, headers } = await call('POST', '/guests?wait=0', { memory: 64, image: null, metadata });
  t.is(status, 202);
  t.false(headers.has('x-ignored-keys'));
});

for (const prefer of [
  'handling=strict',
  'respond-async, handling=strict',
  'Handling = "strict"; x=1, wait=5',
])
  test(`rejects unknown keys when the client prefers ${prefer}`, async (t) => {
    const { call, context } = await serveApi(t);
    const { status, body, headers } = await call('POST', '/guests?name=web', BODY, { Prefer: prefer });
    t.is(status, 400);
    t.is(headers.get('preference-applied'), 'handling=strict');
    for (const name of [...PATHS, '?name'])
      t.true((body as { message: string }).message.includes(`"${name}"`));
    t.deepEqual(context.guests.list(), []);
  });

for (const prefer of ['handling=lenient', 'return=minimal', 'handling=strictly'])
  test(`ignores unknown keys when the client prefers ${prefer}`, async (t) => {
    const { call } = await serveApi(t);
    t.is((await call('POST', '/guests', { memroy: 1 }, { Prefer: prefer })).status, 202);
  });

test('accepts a known request of a strict client, and says that it was strict', async (t) => {
  const { call } = await serveApi(t);
  const { status, headers } = await call('POST', '/guests', { memory: 64 }, STRICT);
  t.is(status, 202);
  t.is(headers.get('preference-applied'), 'handling=strict');
});

test('checks every endpoint: queries, bodies of other methods, and bodies that are ignored', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context);
  const requests: [string, string, unknown, string][] = [
    ['GET', '/guests?state=running', undefined, '?state'],
    ['GET', `/guests/${id}?verbose=1`, undefined, '?verbose'],
    ['GET', '/healthz?deep=1', undefined, '?deep'],
    ['POST', `/guests/${id}/snapshots`, { name: 'monday' }, 'name'],
    ['POST', `/guests/${id}/suspend`, { forced: true }, '(body)'],
  ];
  for (const [method, path, body, ignored] of requests) {
    const strict = await call(method, path, body, STRICT);
    t.is(strict.status, 400, path);
    t.true((strict.body as { message: string }).message.includes(`"${ignored}"`), strict.text);
    const lenient = await call(method, path, body);
    t.true(lenient.status < 300, `${path}: ${lenient.text}`);
    t.is(lenient.headers.get('x-ignored-keys'), ignored, path);
  }
});

test('lists ignored keys with an error, too', async (t) => {
  const { call } = await serveApi(t);
  const { status, headers } = await call('GET', '/guests/00000000-0000-4000-8000-000000000000?verbose=1');
  t.is(status, 404);
  t.is(headers.get('x-ignored-keys'), '?verbose');
});

test('encodes and bounds the list', async (t) => {
  const { call } = await serveApi(t);
  const odd = { 'a\r\nX-Evil: 1': 1, 'b, c': 1, 'ü\ud800': 1, ['k'.repeat(10_000)]: 1 };
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`z${n}`, 1]));
  const { status, headers } = await call('POST', '/guests', { ...odd, ...many });
  t.is(status, 202);
  const list = headers.get('x-ignored-keys') ?? '';
  t.true(list.startsWith('a%0D%0AX-Evil:%201, b%2C%20c, %C3%BC%EF%BF%BD, kkk'), list);
  t.true(list.endsWith('and 4984 more') && list.length < 2000, list);
  t.false(headers.has('x-evil'));
});
