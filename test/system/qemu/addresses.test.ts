import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestAddress } from '../../../lib/model/guest-addresses.js';
import { makeBridge } from '../../helpers/bridge.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('genisoimage', 'ip', 'root', ...LINUX_PARTS);

test('knows the addresses of a guest without an agent: configured, leased, and seen on the bridge', async (t) => {
  const subnet = `198.18.${randomInt(256)}`;
  const network = await makeBridge(t, `${subnet}.1/24`);
  const host = await QemuHost.start(t);
  const nic = { network, address: `${subnet}.2/24`, name: 'lan' };
  const guest = await LinuxGuest.create(t, host, {
    nics: [nic],
    metadata: { 'user-data': `#!/bin/sh\nping ${subnet}.1\n` },
  });
  const { id } = guest;
  const addresses = () => host.inGuest<GuestAddress[]>('Addresses', id);
  await guest.says(`address ${subnet}.2/24`);
  await until('the host has seen the guest', async () =>
    (await addresses()).some(({ source }) => source === 'neighbour'),
  );
  const mac = (await addresses())[0]?.mac ?? '';
  await writeFile(join(host.dir, 'leases'), `0 ${mac} ${subnet}.9 web *\n`);
  t.deepEqual(
    (await addresses()).map(({ address, nic: name, source }) => [address, name, source]),
    [
      [`${subnet}.9`, 'lan', 'dhcp lease'],
      [`${subnet}.2`, 'lan', 'neighbour'],
      [`${subnet}.2`, 'lan', 'static'],
    ],
  );
  await host.call('Poweroff', { id });
  t.deepEqual(await addresses(), [{ address: `${subnet}.2`, nic: 'lan', mac, source: 'static' }]);
});
