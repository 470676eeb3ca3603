import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import { sortAddresses } from '../../../../../lib/model/guest-addresses.js';
import { staticAddresses } from '../../../../../lib/model/static-addresses.js';
import {
  leasedAddresses,
  neighbourAddresses,
} from '../../../../../lib/subagents/shared/network/known-addresses.js';
import { tempDir } from '../../../../helpers/temp.js';

const MAC = '52:54:00:12:34:56';
const NIC: Nic = {
  ...{ name: 'net0', network: 'br0', model: 'virtio', mac: MAC },
  ...{ address: '', netmask: '', gateway: '', vlans: [] },
};

test('reads the leases of dnsmasq that have not ended, and none of other MAC addresses', async (t) => {
  const file = join(await tempDir(t), 'leases');
  const lines = [
    `1000 ${MAC} 192.0.2.7 web 01:${MAC}`,
    `2000 ${MAC} 192.0.2.8 * *`,
    `0 ${MAC.toUpperCase()} 192.0.2.9 web *`,
    '0 52:54:00:00:00:01 192.0.2.10 other *',
    'duid 00:01:00:01:2b:0c:00:00:52:54:00:12:34:56',
    '0 1193046 2001:db8::7 web 00:01:00:01',
    'torn',
    '',
  ];
  await writeFile(file, lines.join('\n'));
  const found = await leasedAddresses([NIC], [file, `${file}.missing`], 1_500_000);
  t.deepEqual(
    found.map(({ address, nic, source }) => [address, nic, source]),
    [
      ['192.0.2.8', 'net0', 'dhcp lease'],
      ['192.0.2.9', 'net0', 'dhcp lease'],
    ],
  );
});

test('takes neighbours only from the bridge of the NIC, and none that has failed', async (t) => {
  const neighbours = [
    {},
    { dst: '192.0.2.7', dev: 'br0', lladdr: MAC, state: ['STALE'] },
    { dst: 'fe80::1', dev: 'br0', lladdr: MAC, state: ['REACHABLE'] },
    { dst: '192.0.2.8', dev: 'br1', lladdr: MAC, state: ['REACHABLE'] },
    { dst: '192.0.2.9', dev: 'br0', state: ['FAILED'] },
    { dst: '192.0.2.10', dev: 'br0', lladdr: MAC, state: ['FAILED'] },
    { dst: '192.0.2.11', dev: 'br0', lladdr: '52:54:00:00:00:01', state: ['STALE'] },
  ];
  const found = await neighbourAddresses([NIC], async () => JSON.stringify(neighbours));
  t.deepEqual(
    found.map(({ address }) => address),
    ['192.0.2.7', 'fe80::1'],
  );
  t.deepEqual(await neighbourAddresses([NIC], async () => ''), []);
});

test('sorts the best source first, and link-local addresses last', (t) => {
  const [agentLocal, fixed, lease] = [
    { address: 'fe80::1', source: 'guest agent' },
    ...staticAddresses([{ ...NIC, address: '192.0.2.5/24' }]),
    { address: '192.0.2.7', source: 'dhcp lease' },
  ] as const;
  t.deepEqual(fixed, { address: '192.0.2.5', nic: 'net0', mac: MAC, source: 'static' });
  t.deepEqual(sortAddresses([agentLocal, fixed, lease] as never), [lease, fixed, agentLocal]);
});
