import { Agent } from 'node:http';
import test from 'ava';
import axios from 'axios';
import { toSubAgent } from '../../../lib/rpc/axios-adapter.js';
import { serveRaw } from '../../helpers/raw-service.js';

test('an answer that is longer than it may be is broken off', async (t) => {
  const port = await serveRaw(t, (request, response) => {
    request.resume();
    response.end('x'.repeat(100));
  });
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const adapter = toSubAgent({ port }, agent);
  const post = (maxContentLength: number) =>
    axios.post<string>('/', 'text', { adapter, maxContentLength, transformResponse: (data: string) => data });
  t.is((await post(100)).data.length, 100);
  await t.throwsAsync(post(99), { code: 'ERR_BAD_RESPONSE', message: 'the answer has more than 99 bytes' });
});
