import test from 'ava';
import { EtcdError } from '../../../lib/etcd/errors.js';
import { put, remove, unchangedSince } from '../../../lib/etcd/kv.js';
import { clientOf, ETCD, startEtcd } from '../../helpers/etcd.js';
import { needs } from '../../helpers/needs.js';

const withEtcd = needs(ETCD);

withEtcd('makes changes only if the comparisons hold', async (t) => {
  const { values } = clientOf(t, ...(await startEtcd(t)));
  t.is(await values.get('/a'), undefined);
  t.true(await values.change([unchangedSince('/a', '0')], [put('/a', '1')]));
  t.false(await values.change([unchangedSince('/a', '0')], [put('/a', '2')]));
  const entry = await values.get('/a');
  t.is(entry?.value, '1');
  const revision = String(entry?.revision);
  t.true(await values.change([unchangedSince('/a', revision)], [put('/a', '3'), put('/b', '4')]));
  t.false(await values.change([unchangedSince('/a', revision)], [remove('/a')]));
  t.is((await values.get('/b'))?.value, '4');
});

withEtcd('lists more keys than fit into a page, all of one revision', async (t) => {
  const { values } = clientOf(t, ...(await startEtcd(t)));
  for (let block = 0; block < 12; block += 1) {
    const keys = Array.from({ length: 100 }, (_, n) => `/list/${block}-${String(n).padStart(3, '0')}`);
    await values.change(
      [],
      keys.map((key) => put(key, 'x')),
    );
  }
  await values.change([], [put('/listing', 'beside the prefix')]);
  const { entries } = await values.list('/list/');
  t.is(entries.length, 1200);
  t.is(new Set(entries.map(({ key }) => key)).size, 1200);
});

withEtcd(
  'reads from another member when one is away, and says of a change that its outcome is unknown',
  async (t) => {
    const [first, ...others] = await startEtcd(t, 3);
    if (first === undefined) throw new Error('no member');
    const client = clientOf(t, first, ...others);
    await client.values.change([], [put('/a', '1')]);
    first.hang();
    t.is((await client.values.get('/a'))?.value, '1');
    first.wake();
    const alone = clientOf(t, first);
    first.hang();
    const error = await t.throwsAsync(alone.values.change([unchangedSince('/b', '0')], [put('/b', '1')]), {
      instanceOf: EtcdError,
    });
    t.is(error?.kind, 'unknown-outcome');
    first.wake();
  },
);

test('rejects an endpoint that nobody serves as unavailable', async (t) => {
  const away = { endpoint: 'http://127.0.0.1:1' };
  const client = clientOf(t, away as never);
  const error = await t.throwsAsync(client.values.get('/a'), { instanceOf: EtcdError });
  t.is(error?.kind, 'unavailable');
});
