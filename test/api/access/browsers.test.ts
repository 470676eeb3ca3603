import { once } from 'node:events';
import { request } from 'node:http';
import test from 'ava';
import { grantsOfScope } from '../../../lib/model/rights.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';

// Guarantees: G29.

/** Sends headers that fetch does not let a caller set. */
const statusWith = async (url: string, method: string, headers: Record<string, string>): Promise<number> => {
  const asking = request(url, { method, headers });
  asking.end();
  const [response] = await once(asking, 'response');
  response.resume();
  return response.statusCode;
};

test('rejects a foreign name that points at this machine', async (t) => {
  const { url } = await serveApi(t);
  for (const path of ['/guests', '/docs', '/nowhere'])
    t.is(await statusWith(url + path, 'GET', { Host: 'evil.example:8080' }), 403, path);
  for (const Host of ['localhost:8080', '127.0.0.1', '[::1]:8080', 'agent.localhost'])
    t.is(await statusWith(`${url}/guests`, 'GET', { Host }), 200, Host);
});

test('rejects every request of a page of another site', async (t) => {
  const { url, context } = await serveApi(t);
  const foreign = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ];
  for (const headers of foreign as Record<string, string>[])
    t.is(await statusWith(`${url}/guests`, 'POST', headers), 403, JSON.stringify(headers));
  t.deepEqual(context.guests.list(), []);
});

test('accepts links from other sites to the agent’s pages only', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const followed = {
    'Sec-Fetch-Site': 'cross-site',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
  t.is(await statusWith(`${url}/docs`, 'GET', followed), 200);
  t.is(await statusWith(`${url}/docs`, 'GET', { ...followed, 'Sec-Fetch-Dest': 'iframe' }), 403);
  t.is(await statusWith(`${url}/guests`, 'GET', followed), 403);
  t.is(await statusWith(`${url}/guests/${id}/start`, 'GET', followed), 403);
  t.deepEqual(context.jobs.list(), []);
});

test('rejects pages of other sites where certificates identify clients', async (t) => {
  const { url, context } = await serveApi(t, {}, undefined, {
    access: { tokens: undefined, certificates: new Map([['ops.example', grantsOfScope('admin')]]) },
  });
  t.is(await statusWith(`${url}/guests`, 'POST', { Origin: 'https://evil.example' }), 403);
  t.is(await statusWith(`${url}/guests`, 'POST', {}), 403);
  t.deepEqual(context.guests.list(), []);
});

test('accepts requests of the agent’s own pages', async (t) => {
  const { url } = await serveApi(t);
  t.is(await statusWith(`${url}/guests`, 'POST', { Origin: url, 'Sec-Fetch-Site': 'same-origin' }), 202);
});
