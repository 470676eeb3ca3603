import test from 'ava';
import { serveApi } from '../../helpers/api.js';

test('rejects a client above its rate with 429 and Retry-After', async (t) => {
  const { call } = await serveApi(t, {}, undefined, { rateLimit: 1 });
  const responses = await Promise.all(Array.from({ length: 20 }, () => call('GET', '/guests')));
  const refused = responses.filter(({ status }) => status === 429);
  t.is(responses.filter(({ status }) => status === 200).length, 10);
  t.is(refused.length, 10);
  t.true(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0));
});
