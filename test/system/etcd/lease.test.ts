import { setTimeout as delay } from 'node:timers/promises';
import { put } from '../../../lib/etcd/kv.js';
import { clientOf, ETCD, leaderOf, startEtcd } from '../../helpers/etcd.js';
import { needs } from '../../helpers/needs.js';
import { until } from '../../helpers/wait.js';

const withEtcd = needs(ETCD);
const TTL = 4;

withEtcd('keeps its keys for longer than one TTL, and removes them when it is revoked', async (t) => {
  const members = await startEtcd(t);
  const client = clientOf(t, ...members);
  const lease = await client.grant(TTL);
  await client.values.change([], [put('/alive', 'yes', lease.id)]);
  await delay(TTL * 1000 + 2000);
  t.true(lease.isHeld);
  t.is((await client.values.get('/alive'))?.lease, lease.id);
  await lease.revoke();
  t.false(lease.isHeld);
  t.is(await client.values.get('/alive'), undefined);
});

withEtcd('is kept when the member that has its beats hangs, and when the leader is killed', async (t) => {
  const members = await startEtcd(t, 3);
  const leader = await until('there is a leader', () => leaderOf(members));
  const followers = members.filter((member) => member !== leader);
  const client = clientOf(t, ...followers, leader);
  const lease = await client.grant(15);
  await client.values.change([], [put('/alive', 'yes', lease.id)]);
  followers[0]?.hang();
  await delay(6000);
  followers[0]?.wake();
  await leader.kill();
  const next = clientOf(t, ...followers);
  await until('the others have a leader', () => leaderOf(followers));
  await delay(8000);
  t.true(lease.isHeld);
  t.is((await next.values.get('/alive'))?.value, 'yes');
});

withEtcd('counts as lost one TTL after its last answered beat, before etcd removes its keys', async (t) => {
  const members = await startEtcd(t, 1);
  const client = clientOf(t, ...members);
  const lease = await client.grant(TTL);
  t.true(lease.isHeld);
  for (const member of members) member.hang();
  await lease.ended;
  t.false(lease.isHeld);
  for (const member of members) member.wake();
});

withEtcd('ends when etcd says that it is gone', async (t) => {
  const members = await startEtcd(t);
  const client = clientOf(t, ...members);
  const lease = await client.grant(TTL);
  await client.revoke(lease.id);
  await lease.ended;
  t.false(lease.isHeld);
  t.is(await client.timeOf(lease.id), undefined);
});
