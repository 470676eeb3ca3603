import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import axios, { type AxiosRequestConfig } from 'axios';
import { connectionsTo } from '../../../../lib/rpc/client/connections.js';
import {
  ResponseTooLarge,
  ResponseTooLate,
  undiciAdapter,
} from '../../../../lib/rpc/client/undici-adapter.js';
import { serveRaw } from '../../../helpers/raw-service.js';

/** Posts to a server that sends 100 bytes after `waitMs`. */
const poster = async (t: ExecutionContext, waitMs = 0) => {
  const port = await serveRaw(t, async (request, response) => {
    request.resume();
    await delay(waitMs);
    response.end('x'.repeat(100));
  });
  const connections = connectionsTo({ port }, 1);
  t.teardown(() => connections.destroy());
  return (maxResponseBytes: number, config: AxiosRequestConfig = {}) =>
    axios.post<string>('/', 'text', {
      ...config,
      adapter: undiciAdapter(connections, { maxResponseBytes }),
    });
};

test('reads a response up to its longest length and rejects a longer one', async (t) => {
  const post = await poster(t);
  t.is((await post(100)).data.length, 100);
  await t.throwsAsync(post(99), {
    instanceOf: ResponseTooLarge,
    message: 'the response has more than 99 bytes',
  });
});

test('rejects a response that takes longer than the timeout', async (t) => {
  const post = await poster(t, 500);
  await t.throwsAsync(post(100, { timeout: 20 }), {
    instanceOf: ResponseTooLate,
    message: 'no response within 20 ms',
  });
});
