import test from 'ava';
import { MistifyClient } from '../../lib/client/index.js';
import { serveApi } from '../helpers/api.js';

const BRIDGE = { name: 'br0', kind: 'bridge', guests: ['vm'], subnets: ['192.0.2.0/24'], usable: true };
const ENGINE = {
  ...{ name: 'host', kind: 'engine', guests: ['container'], driver: 'host', subnets: [] },
  ...{ usable: false, reason: 'network host is the host’s own' },
};

test('GET /networks lists the networks of all sub-agents and what could not be listed', async (t) => {
  const { url, call } = await serveApi(t, {
    actions: { networks: [{ method: 'Test.virtual' }, { method: 'Test.containers' }] },
    methods: {
      'Test.virtual': () => ({ networks: [BRIDGE] }),
      'Test.containers': () => ({
        networks: [{ ...BRIDGE, guests: ['container'] }, ENGINE],
        problems: ['it hangs'],
      }),
    },
  });
  const expected = {
    networks: [{ ...BRIDGE, guests: ['vm', 'container'] }, ENGINE],
    problems: ['it hangs'],
  };
  const { status, body, jobId } = await call('GET', '/networks/');
  t.is(status, 200);
  t.deepEqual(body, expected);
  t.truthy(jobId);
  t.deepEqual((await new MistifyClient({ url }).networks()) as unknown, expected);
});

test('GET /networks is a 404 without the action in the config, and other methods are a 405', async (t) => {
  const { call } = await serveApi(t, { actions: { networks: undefined } });
  const { status, body } = await call('GET', '/networks');
  t.is(status, 404);
  t.like(body as object, { message: 'networks: Not configured' });
  t.is((await call('POST', '/networks')).status, 405);
});
