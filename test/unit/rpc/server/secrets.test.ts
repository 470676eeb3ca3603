import test, { type ExecutionContext } from 'ava';
import { RpcClient } from '../../../../lib/rpc/client/client.js';
import { HEALTH_PATH, RPC_PATH } from '../../../../lib/rpc/protocol/calls.js';
import { guestRequestSchema } from '../../../../lib/rpc/protocol/guest-messages.js';
import { EVENTS_PATH } from '../../../../lib/rpc/protocol/sub-agent-events.js';
import { SubAgent } from '../../../../lib/rpc/server/sub-agent.js';
import { serveRaw } from '../../../helpers/raw-service.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';

const SECRET = 'correct-horse-battery-staple';

/** Serves a sub-agent that requires the secret, and counts the calls of its method. */
const guarded = async (t: ExecutionContext) => {
  let calls = 0;
  const subAgent = new SubAgent({ name: 'guarded', log: silentLog }).method(
    'Guarded.Do',
    guestRequestSchema,
    ({ guest }) => {
      calls += 1;
      return { guest };
    },
  );
  const { port } = await subAgent.listen({ port: 0 }, SECRET);
  t.teardown(() => subAgent.close());
  return { port, calls: () => calls };
};

const clientOf = (t: ExecutionContext, port: number, secret?: string): RpcClient => {
  const endpoint = { address: { port }, secret };
  const client = new RpcClient({ service: 'svc', endpoint, path: RPC_PATH, maxSockets: 1 });
  t.teardown(() => client.close());
  return client;
};

const call = (client: RpcClient): Promise<unknown> => client.call('Guarded.Do', { guest: { id: GUEST_ID } });

test('serves a call with the secret', async (t) => {
  const { port } = await guarded(t);
  t.deepEqual(await call(clientOf(t, port, SECRET)), { guest: { id: GUEST_ID } });
});

for (const [what, secret] of Object.entries({
  'no secret': undefined,
  'another secret': 'correct-horse-battery-stable',
  'a part of the secret': SECRET.slice(0, -1),
  'more than the secret': `${SECRET}x`,
}))
  test(`rejects a call with ${what} before its method runs, and says why`, async (t) => {
    const { port, calls } = await guarded(t);
    const error = await t.throwsAsync(call(clientOf(t, port, secret)), {
      message: /^svc: the call's secret is missing or wrong/,
    });
    t.false(error?.message.includes(secret ?? SECRET));
    t.is(calls(), 0);
  });

for (const path of [HEALTH_PATH, EVENTS_PATH, RPC_PATH, '/nowhere'])
  test(`rejects ${path} without the secret with 401`, async (t) => {
    const { port } = await guarded(t);
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...headers, connection: 'close' } });
    const refused = await ask({});
    t.is(refused.status, 401);
    t.is(refused.headers.get('www-authenticate'), 'Bearer');
    t.false((await refused.text()).includes(SECRET));
    t.is((await ask({ authorization: SECRET })).status, 401, 'without its scheme');
    const accepted = await ask({ authorization: `Bearer ${SECRET}` });
    t.not(accepted.status, 401);
    await accepted.body?.cancel();
  });

test('accepts calls with and without a secret when it has none', async (t) => {
  const subAgent = new SubAgent({ name: 'open', log: silentLog }).method(
    'Guarded.Do',
    guestRequestSchema,
    ({ guest }) => ({ guest }),
  );
  const { port } = await subAgent.listen({ port: 0 });
  t.teardown(() => subAgent.close());
  await call(clientOf(t, port));
  await t.notThrowsAsync(call(clientOf(t, port, SECRET)));
});

test('sends no secret to a sub-agent that has none', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    response.end(`{"result":${JSON.stringify(request.headers)},"error":null,"id":1}`);
  });
  const headers = (await call(clientOf(t, port))) as Record<string, string>;
  t.is(headers.authorization, undefined);
  t.is(headers.host, `127.0.0.1:${port}`);
});
