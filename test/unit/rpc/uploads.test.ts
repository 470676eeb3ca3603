import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import Joi from 'joi';
import { RpcClient } from '../../../lib/rpc/client/client.js';
import { StreamRefused } from '../../../lib/rpc/client/refused.js';
import { Refusal } from '../../../lib/rpc/protocol/refusal.js';
import { SubAgent } from '../../../lib/rpc/server/sub-agent.js';
import type { Receive } from '../../../lib/rpc/server/upload-route.js';
import { serve, silentLog } from '../../helpers/sub-agents.js';

const PATH = '/upload';
const MB = 2 ** 20;

/** Connects a client to a sub-agent that receives uploads. */
const receiving = async (
  t: ExecutionContext,
  receive: Receive<{ id: string }, object>,
): Promise<RpcClient> => {
  const schema = Joi.object<{ id: string }>({ id: Joi.string().required() });
  const port = await serve(t, new SubAgent({ name: 'box', log: silentLog }).upload(PATH, schema, receive));
  const endpoint = { address: { port }, secret: undefined };
  const client = new RpcClient({ service: 'box', endpoint, path: PATH, maxSockets: 4 });
  t.teardown(() => client.close());
  return client;
};

const never = new AbortController().signal;

/** Yields MB after MB without an end. */
function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(MB);
}

test('sends bytes beside their request and returns the result', async (t) => {
  const client = await receiving(t, async ({ id }, bytes) => {
    let size = 0;
    for await (const chunk of bytes) size += chunk.length;
    return { id, size };
  });
  const bytes = Readable.from([Buffer.alloc(3 * MB), Buffer.alloc(5)], { objectMode: false });
  t.deepEqual(await client.upload({ id: 'a&b' }, bytes, never), { id: 'a&b', size: 3 * MB + 5 });
});

test('passes on a refusal that comes before the bytes have ended, and stops sending', async (t) => {
  const client = await receiving(t, async (_request, bytes) => {
    for await (const _ of bytes) throw new Refusal('invalid', 'not an image');
    return {};
  });
  const bytes = Readable.from(endless(), { objectMode: false });
  const error = await t.throwsAsync(client.upload({ id: 'a' }, bytes, never), { instanceOf: StreamRefused });
  t.like(error, { status: 400, message: 'not an image' });
  t.true(bytes.destroyed);
});

test('reads no more than the sub-agent wants', async (t) => {
  let sent = 0;
  function* counted(): Generator<Buffer> {
    for (const chunk of endless()) {
      sent += chunk.length;
      yield chunk;
    }
  }
  const client = await receiving(t, async (_request, bytes) => {
    await once(bytes, 'readable');
    await delay(300);
    throw new Refusal('conflict', 'no');
  });
  await t.throwsAsync(client.upload({ id: 'a' }, Readable.from(counted(), { objectMode: false }), never));
  t.true(sent < 64 * MB, `${sent} bytes`);
});

test('fails the upload in the sub-agent when its sender gives up', async (t) => {
  let fail: (error: unknown) => void;
  const failed = new Promise((resolve) => {
    fail = resolve;
  });
  const client = await receiving(t, async (_request, bytes) => {
    try {
      for await (const _ of bytes);
    } catch (error) {
      fail(error);
    }
    return {};
  });
  const controller = new AbortController();
  const bytes = new PassThrough();
  bytes.write('a');
  const upload = client.upload({ id: 'a' }, bytes, controller.signal);
  await delay(100);
  controller.abort(new Error('enough'));
  await t.throwsAsync(upload, { message: 'enough' });
  t.true((await failed) instanceof Error);
});

test('rejects a request that its schema does not accept', async (t) => {
  const client = await receiving(t, async () => ({}));
  const bytes = Readable.from([Buffer.from('x')], { objectMode: false });
  const error = await t.throwsAsync(client.upload({}, bytes, never), { instanceOf: StreamRefused });
  t.is(error?.status, 400);
});
