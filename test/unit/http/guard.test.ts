import type { LookupAddress } from 'node:dns';
import test, { type ExecutionContext } from 'ava';
import { axios } from '../../../lib/http/axios.js';
import { createGuard, guardedLookup, type Resolve, unreachableIn } from '../../../lib/http/guard.js';
import { Reachable } from '../../../lib/http/reachable.js';
import { LOOPBACK } from '../../helpers/loopback.js';
import { serveHttp } from '../../helpers/storage.js';

// Guarantees: G28.

const address = (text: string): LookupAddress => ({ address: text, family: text.includes(':') ? 6 : 4 });

/** Resolves any name to the next list; the last one stays. */
const resolving = (...lists: string[][]): Resolve => {
  const left = [...lists];
  return (_name, _options, callback) => {
    const list = (left.length > 1 ? left.shift() : left[0]) ?? [];
    setImmediate(() => callback(null, list.map(address)));
  };
};

const get = async (url: string, options: Parameters<typeof createGuard>[0]): Promise<string> => {
  const { httpAgent, httpsAgent, beforeRedirect, check } = createGuard(options);
  check(new URL(url));
  const { data } = await axios.get<string>(url, {
    httpAgent,
    httpsAgent,
    beforeRedirect,
    responseType: 'text',
  });
  return data;
};

const isRefused = async (t: ExecutionContext, request: Promise<string>, message: RegExp): Promise<void> => {
  const error = await t.throwsAsync(request);
  t.regex(unreachableIn(error)?.message ?? String(error), message);
};

const lookupAll = (resolve: Resolve): Promise<string[] | Error> =>
  new Promise((done) => {
    guardedLookup(new Reachable(), resolve)('name.example', { all: true }, (error, found) => {
      done(error ?? (found as LookupAddress[]).map((each) => each.address));
    });
  });

test('drops addresses of a name that may not be reached, and refuses a name without others', async (t) => {
  t.deepEqual(await lookupAll(resolving(['127.0.0.1', '8.8.8.8', '::1', 'fe80::1'])), ['8.8.8.8']);
  t.regex(
    String(await lookupAll(resolving(['10.0.0.1', '::1']))),
    /name\.example is 10\.0\.0\.1, which is a private/,
  );
});

for (const host of [
  '127.0.0.1',
  '[::1]',
  'localhost',
  '0.0.0.0',
  '[::ffff:127.0.0.1]',
  '0x7f.1',
  '2130706433',
])
  test(`sends nothing to a server at ${host} that is not listed`, async (t) => {
    let requests = 0;
    const url = await serveHttp(t, (_, response) => {
      requests += 1;
      response.end('secret');
    });
    const target = `http://${host}:${new URL(url).port}/`;
    await isRefused(t, get(target, { reachable: new Reachable() }), /"private_addresses" in the config/);
    t.is(requests, 0);
  });

test('refuses an https URL in the same way', async (t) => {
  await isRefused(
    t,
    get('https://127.0.0.1:1/', { reachable: new Reachable() }),
    /127\.0\.0\.1 is a loopback/,
  );
  await isRefused(t, get('https://localhost:1/', { reachable: new Reachable() }), /which is a loopback/);
});

test('refuses a redirect to an address that is not listed, by name and by address', async (t) => {
  const secret = await serveHttp(t, (_, response) => response.end('secret'));
  const { port } = new URL(secret);
  for (const location of [`http://127.0.0.2:${port}/`, `http://internal.example:${port}/`]) {
    const url = await serveHttp(t, (_, response) => response.writeHead(302, { location }).end());
    const options = { reachable: new Reachable(LOOPBACK), resolve: resolving(['127.0.0.2']) };
    await isRefused(t, get(url, options), /127\.0\.0\.2.* is a loopback address/);
  }
});

test('follows a redirect to an address that is listed', async (t) => {
  const target = await serveHttp(t, (_, response) => response.end('image'));
  const url = await serveHttp(t, (_, response) => response.writeHead(302, { location: target }).end());
  t.is(await get(url, { reachable: new Reachable(LOOPBACK) }), 'image');
});

test('checks each resolution of a name that changes its address', async (t) => {
  const url = await serveHttp(t, (_, response) => response.end('image'));
  const name = `http://name.example:${new URL(url).port}/`;
  const options = {
    reachable: new Reachable(LOOPBACK),
    resolve: resolving(['127.0.0.1'], ['169.254.169.254']),
  };
  const { httpAgent } = createGuard(options);
  const again = async (): Promise<string> => (await axios.get<string>(name, { httpAgent })).data;
  t.is(await again(), 'image');
  await isRefused(t, again(), /name\.example is 169\.254\.169\.254, which is a link-local/);
});

test('reaches a server that the operator named, at its port only', async (t) => {
  const [url, other] = await Promise.all(
    [0, 1].map(() => serveHttp(t, (_, response) => response.end('image'))),
  );
  const options = { reachable: new Reachable(), trusted: [`${url}/store/`] };
  t.is(await get(`${url}/store/images/x`, options), 'image');
  await isRefused(t, get(`${other}/`, options), /is a loopback address/);
});
