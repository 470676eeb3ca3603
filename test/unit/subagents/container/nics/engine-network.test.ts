import test, { type ExecutionContext } from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import { Refusal } from '../../../../../lib/rpc/protocol/refusal.js';
import { completeNics } from '../../../../../lib/subagents/container/nics/complete.js';
import { startScriptedEngine } from '../../../../helpers/scripted-engine.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';

const NETWORKS = {
  lan: { Name: 'lan', Driver: 'bridge', Subnet: '192.0.2.0/24' },
  plain: { Name: 'plain', Driver: 'macvlan' },
  host: { Name: 'host', Driver: 'host' },
  none: { Name: 'none', Driver: 'null' },
  '0cecfb9738f4': { Name: 'host', Driver: 'host' },
  ce7008526b9f: { Name: 'none', Driver: 'null' },
  uplink: { Name: 'uplink', Driver: 'host' },
  pasta: { Name: 'pasta', Driver: 'bridge' },
};

const nic = (network: string, address = ''): Nic => ({
  ...{ network, model: '', address, netmask: address && '24', gateway: '', vlans: [] },
});

const complete = async (t: ExecutionContext, nics: Nic[], networkDrivers: string[] = []): Promise<Nic[]> => {
  const { engine, guests } = await startScriptedEngine(t, {});
  engine.networks = NETWORKS;
  return completeNics({ engine: guests.engine, policy: { networkDrivers } }, GUEST_ID, nics);
};

for (const network of ['host', 'none', '0cecfb9738f4', 'ce7008526b9f', 'uplink'])
  test(`refuses the engine network ${network}, by its driver`, async (t) => {
    const error = await t.throwsAsync(complete(t, [nic(network)]), { instanceOf: Refusal });
    t.is(error.kind, 'invalid');
    t.regex(
      error.message,
      /^NIC 0: network \w+ (is the host's own|connects nothing).*--allow-network-driver \w+\)$/,
    );
  });

test('allows the network of the host where the policy does, under its name, and alone', async (t) => {
  t.is((await complete(t, [nic('host')], ['host']))[0]?.network, 'host');
  t.is((await complete(t, [nic('0cecfb9738f4')], ['host']))[0]?.network, 'host');
  await t.throwsAsync(complete(t, [nic('0cecfb9738f4'), nic('lan')], ['host']), {
    message: /^network host takes no other NIC beside it/,
  });
});

for (const network of ['pasta', 'container:other', 'ns:/proc/1/ns/net', '../version', 'absent'])
  test(`finds no network ${network}, which an engine could read as something else`, async (t) => {
    const error = await t.throwsAsync(complete(t, [nic(network)], ['host']), { instanceOf: Refusal });
    t.is(error.kind, 'not_found');
  });

test('accepts addresses of the network’s subnets alone', async (t) => {
  t.is((await complete(t, [nic('lan', '192.0.2.7')]))[0]?.address, '192.0.2.7');
  t.is((await complete(t, [nic('plain', '198.18.0.7')]))[0]?.address, '198.18.0.7');
  for (const address of ['198.18.0.7', '2001:db8::7'])
    await t.throwsAsync(complete(t, [nic('lan', address)]), {
      message: new RegExp(
        `^NIC 0: address ${address} is outside network lan, whose subnets are 192.0.2.0/24$`,
      ),
    });
});

test('refuses an address on the default network of Docker, which assigns them itself', async (t) => {
  for (const network of ['', 'user', 'bridge']) {
    t.is((await complete(t, [nic(network)]))[0]?.network, network);
    await t.throwsAsync(complete(t, [nic(network, '172.17.0.9')]), {
      message:
        /^NIC 0: Docker assigns the addresses of its default network itself: leave out the address 172/,
    });
  }
});
