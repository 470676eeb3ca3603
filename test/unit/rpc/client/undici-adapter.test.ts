import test from 'ava';
import axios from 'axios';
import { connectionsTo } from '../../../../lib/rpc/client/connections.js';
import { toSubAgent } from '../../../../lib/rpc/client/undici-adapter.js';
import { serveRaw } from '../../../helpers/raw-service.js';

test('an answer that is longer than it may be is broken off', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.end('x'.repeat(100));
  });
  const connections = connectionsTo({ port }, 1);
  t.teardown(() => connections.destroy());
  const post = (maxAnswerBytes: number) =>
    axios.post<string>('/', 'text', { adapter: toSubAgent(connections, { maxAnswerBytes }) });
  t.is((await post(100)).data.length, 100);
  await t.throwsAsync(post(99), { code: 'ERR_BAD_RESPONSE', message: 'the answer has more than 99 bytes' });
});
