import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'ava';
import type { ErrorBody } from '../../../lib/model/endpoint.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';

// Guarantees: G30.

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  message: string;
}

/** `fetch` does not let a caller choose these headers. */
const get = async (url: string, headers: Record<string, string>): Promise<Answer> => {
  const sent = request(url, { headers }).end();
  const [response] = await once(sent, 'response');
  const { message } = JSON.parse(await text(response)) as ErrorBody;
  return { status: response.statusCode, headers: response.headers, message };
};

const ACTIONS = ['shutdown', 'reboot', 'restart', 'poweroff', 'start', 'suspend', 'resume', 'save', 'delete'];

const UNINTENDED: [cause: string, headers: Record<string, string>, words: RegExp][] = [
  ['a prefetch', { 'Sec-Purpose': 'prefetch', 'Sec-Fetch-Site': 'same-origin' }, /prefetch/],
  ['a prerender', { 'Sec-Purpose': 'prefetch;prerender', 'Sec-Fetch-Site': 'none' }, /prefetch/],
  ['the prefetch of an older browser', { Purpose: 'prefetch' }, /prefetch/],
  ['a link prefetch of an older Firefox', { 'X-Moz': 'prefetch' }, /prefetch/],
  ['a preview of an older Safari', { 'X-Purpose': 'preview' }, /prefetch/],
  ['a page of another site', { 'Sec-Fetch-Site': 'cross-site' }, /another site/],
  ['a page of a sibling site', { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' }, /another site/],
  ['a page of another origin', { Origin: 'https://evil.example' }, /another site/],
  ['the address bar', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }, /address bar/],
  [
    'a link on a page of its own',
    { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
    /a link/,
  ],
  [
    'an image on a page of its own',
    { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    /markup/,
  ],
];

for (const [cause, headers, words] of UNINTENDED)
  test(`rejects GET on an action by ${cause}, and says why`, async (t) => {
    const { api, dbpath } = await serveGuarded(t);
    const { id } = await addGuest(api.context, { state: 'shutoff' });
    const Authorization = `Bearer ${await makeToken(dbpath, 'ops', 'operate')}`;
    for (const action of ACTIONS) {
      const { status, message } = await get(`${api.url}/guests/${id}/${action}`, {
        Authorization,
        ...headers,
      });
      t.is(status, 403, action);
      t.regex(message, words, action);
      t.regex(message, /POST/, action);
    }
    t.deepEqual(api.context.jobs.list(), []);
  });

test('rejects a prefetch of an action where clients need no credentials', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const { status } = await get(`${url}/guests/${id}/delete`, { 'Sec-Purpose': 'prefetch' });
  t.is(status, 403);
  t.deepEqual(context.jobs.list(), []);
});

for (const [client, headers] of [
  ['a program', {}],
  [
    'a script of its own page',
    { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
  ],
] as [string, Record<string, string>][])
  test(`performs an action that ${client} asks for by GET`, async (t) => {
    const { url, context } = await serveApi(t);
    const { id } = await addGuest(context, { state: 'shutoff' });
    const response = await get(`${url}/guests/${id}/start`, headers);
    t.is(response.status, 202);
    t.truthy(response.headers['x-guest-job-id']);
  });

test('performs no action by GET if the config says so, but still by POST', async (t) => {
  const { url, call, context } = await serveApi(t, {}, undefined, { getActions: false });
  const { id } = await addGuest(context, { state: 'shutoff' });
  for (const action of ACTIONS) {
    const { status, headers, message } = await get(`${url}/guests/${id}/${action}`, {});
    t.is(status, 405, action);
    t.is(headers.allow, 'POST', action);
    t.regex(message, /server\.get_actions/, action);
  }
  t.is((await call('HEAD', `/guests/${id}/start`)).headers.get('allow'), 'POST');
  t.deepEqual(context.jobs.list(), []);
  t.is((await call('POST', `/guests/${id}/start`)).status, 202);
});
