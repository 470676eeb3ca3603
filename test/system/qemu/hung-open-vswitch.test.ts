import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needsInTurn } from '../../helpers/needs.js';
import { OVS_PARTS, Ovs } from '../../helpers/ovs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G35.

const test = needsInTurn('qemu-system-x86_64', ...OVS_PARTS);

/** Stops the test's own database, and lets it continue when the test ends. */
const hang = async (t: ExecutionContext, ovs: Ovs): Promise<void> => {
  await ovs.hang();
  t.teardown(() => ovs.resume());
};

const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

test('creates, stops and deletes guests that are not on Open vSwitch while its database hangs', async (t) => {
  const ovs = await Ovs.use(t);
  const host = await QemuHost.start(t, ovs.db);
  const bridge = await makeBridge(t);
  await hang(t, ovs);
  for (const nics of [[], [{ network: 'user' }], [{ network: bridge }]]) {
    const id = host.newId();
    await host.call('Create', { id, ...TINY, nics });
    const { guest } = await host.call('Poweroff', { id });
    t.like(guest, { state: 'shutoff', reason: 'poweroff' });
    await host.call('Run', { id });
    await host.call('Delete', { id });
  }
  t.like(await host.health(), { status: 'ok' });
});

test('stops and deletes guests on Open vSwitch while its database hangs, and removes their ports later', async (t) => {
  const ovs = await Ovs.use(t);
  const network = await ovs.makeBridge(t);
  const host = await QemuHost.start(t, ovs.db);
  const [kept, deleted] = [host.newId(), host.newId()];
  for (const id of [kept, deleted]) await host.call('Create', { id, ...TINY, nics: [{ network }] });
  await hang(t, ovs);
  const { guest } = await host.call('Poweroff', { id: kept });
  t.like(guest, { state: 'shutoff', reason: 'poweroff; switch ports not removed yet' });
  await host.call('Delete', { id: deleted });
  t.false(exists(tapName(kept, 0)) || exists(tapName(deleted, 0)));
  const { status, message } = await host.health();
  t.is(status, 'degraded');
  t.regex(message ?? '', /^the switch ports of 2 guests that are off are not removed yet, retrying: /);
  await t.throwsAsync(host.call('Run', { id: kept }), {
    message: /Open vSwitch did not respond within 10 s/,
  });

  await ovs.resume();
  await until('no port is left', async () => (await ovs.ports(network)).length === 0, 60_000);
  await until('nothing is pending', async () => (await host.health()).status === 'ok');
  t.like((await host.call('Status', { id: kept })).guest, { state: 'shutoff', reason: 'poweroff' });
  await host.call('Run', { id: kept });
  t.deepEqual(await ovs.ports(network), [tapName(kept, 0)]);
});

test('removes ports that a sub-agent left pending when it stopped', async (t) => {
  const ovs = await Ovs.use(t);
  const network = await ovs.makeBridge(t);
  const host = await QemuHost.start(t, ovs.db);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, nics: [{ network }] });
  await hang(t, ovs);
  await host.call('Delete', { id });
  await host.stop();
  await host.launch();
  t.is((await host.health()).status, 'degraded');
  await ovs.resume();
  await until('no port is left', async () => (await ovs.ports(network)).length === 0, 60_000);
});
