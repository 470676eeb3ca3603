import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { EtcdClient } from '../../../lib/etcd/client.js';
import { put, remove } from '../../../lib/etcd/kv.js';
import { clientOf, ETCD, startEtcd } from '../../helpers/etcd.js';
import { needs } from '../../helpers/needs.js';
import { until } from '../../helpers/wait.js';

const withEtcd = needs(ETCD);

interface Followed {
  values: () => Record<string, string>;
  changes: string[];
  touches: string[];
}

const follow = (t: ExecutionContext, client: EtcdClient, prefix: string): Followed => {
  const followed: Followed = { changes: [], touches: [], values: () => ({}) };
  const mirror = client.mirror(prefix, {
    changed: (key, entry) => followed.changes.push(`${key} ${entry?.value ?? 'removed'}`),
    inTouch: () => followed.touches.push('in touch'),
    outOfTouch: () => followed.touches.push('out of touch'),
  });
  t.teardown(() => mirror.close());
  followed.values = () => Object.fromEntries([...mirror.entries].map(([key, { value }]) => [key, value]));
  return followed;
};

withEtcd('has what is there, and follows what comes, changes and goes below its prefix', async (t) => {
  const client = clientOf(t, ...(await startEtcd(t)));
  await client.values.change([], [put('/m/a', '1'), put('/other', 'x')]);
  const followed = follow(t, client, '/m/');
  await until('it is in touch', () => followed.touches.length > 0);
  t.deepEqual(followed.values(), { '/m/a': '1' });
  await client.values.change([], [put('/m/b', '2')]);
  await client.values.change([], [put('/m/b', '3')]);
  await client.values.change([], [remove('/m/a')]);
  await until('it has followed', () => followed.changes.length === 4);
  t.deepEqual(followed.changes, ['/m/a 1', '/m/b 2', '/m/b 3', '/m/a removed']);
  t.deepEqual(followed.values(), { '/m/b': '3' });
});

withEtcd('misses no change while its member hangs, and says when it was out of touch', async (t) => {
  const [first, ...others] = await startEtcd(t, 3);
  if (first === undefined) throw new Error('no member');
  const followed = follow(t, clientOf(t, first, ...others), '/m/');
  const writer = clientOf(t, ...others);
  await until('it is in touch', () => followed.touches.length > 0);
  first.hang();
  for (let n = 0; n < 20; n += 1) {
    // While a leader hangs, the others must elect one.
    await until('the change is made', () =>
      writer.values.change([], [put('/m/n', String(n))]).catch(() => false),
    );
    await delay(200);
  }
  await until('the last change has come', () => followed.values()['/m/n'] === '19');
  t.deepEqual(
    [...new Set(followed.changes)],
    Array.from({ length: 20 }, (_, n) => `/m/n ${n}`),
  );
  await until('it is in touch again', () => followed.touches.at(-1) === 'in touch');
  t.deepEqual(followed.touches, ['in touch', 'out of touch', 'in touch']);
  first.wake();
});

withEtcd('lists again what a compaction has removed from the history', async (t) => {
  const [member] = await startEtcd(t);
  if (member === undefined) throw new Error('no member');
  const client = clientOf(t, member);
  await client.values.change([], [put('/m/a', '1'), put('/m/b', '1')]);
  // As a mirror that was away: it begins to watch where the history no longer is.
  const followed = follow(t, client, '/m/');
  await until('it is in touch', () => followed.touches.length > 0);
  member.hang();
  await until('it is out of touch', () => followed.touches.at(-1) === 'out of touch');
  member.wake();
  const writer = clientOf(t, member);
  await writer.values.change([], [remove('/m/a'), put('/m/b', '2')]);
  const { revision } = await writer.values.list('/m/');
  await member.compact(revision);
  await until('it has what there is now', () => followed.values()['/m/b'] === '2');
  t.deepEqual(followed.values(), { '/m/b': '2' });
});
