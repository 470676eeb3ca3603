import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import getPort from 'get-port';
import { createWebhook } from '../../../../lib/subagents/examples/webhook/service.js';
import { callMethod, GUEST_ID, serve, silentLog } from '../../../helpers/sub-agents.js';

const guest = { id: GUEST_ID, memory: 128 };

/** Serves an endpoint that records its requests and responds with `status`. */
const endpoint = async (
  t: ExecutionContext,
  status: number,
): Promise<{ url: string; received: unknown[] }> => {
  const received: unknown[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      received.push({ type: request.headers['content-type'], body });
      response.writeHead(status, { connection: 'close' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
};

test('Webhook.Post posts the action and the guest, and returns the guest', async (t) => {
  const { url, received } = await endpoint(t, 200);
  const port = await serve(t, createWebhook(url, silentLog));
  const { result } = await callMethod(port, 'Webhook.Post', { guest, action: 'create' });
  t.deepEqual(result, { guest });
  t.deepEqual(received, [
    {
      type: 'application/json',
      body: {
        text: `create called on ${GUEST_ID}`,
        icon_emoji: ':rainbow:',
        username: 'mistify-webhook-post',
      },
    },
  ]);
});

test("a stage's args replace the emoji and the name", async (t) => {
  const { url, received } = await endpoint(t, 200);
  const port = await serve(t, createWebhook(url, silentLog));
  const args = { emoji: 'rocket', name: 'creator' };
  await callMethod(port, 'Webhook.Post', { guest, action: 'delete', args });
  t.like(received, [{ body: { icon_emoji: ':rocket:', username: 'creator' } }]);
});

test('posts unknown for a call without an action', async (t) => {
  const { url, received } = await endpoint(t, 200);
  const port = await serve(t, createWebhook(url, silentLog));
  await callMethod(port, 'Webhook.Post', { guest });
  t.like(received, [{ body: { text: `unknown called on ${GUEST_ID}` } }]);
});

test('fails the call when the endpoint rejects the message', async (t) => {
  const { url } = await endpoint(t, 403);
  const port = await serve(t, createWebhook(url, silentLog));
  const { result, error } = await callMethod(port, 'Webhook.Post', { guest, action: 'create' });
  t.is(result, null);
  t.regex(error ?? '', /^cannot post to the webhook endpoint: .*403/);
});

test('fails the call when the endpoint is down', async (t) => {
  const port = await serve(t, createWebhook(`http://127.0.0.1:${await getPort()}`, silentLog));
  const { error } = await callMethod(port, 'Webhook.Post', { guest, action: 'create' });
  t.regex(error ?? '', /^cannot post to the webhook endpoint: .*ECONNREFUSED/);
});
