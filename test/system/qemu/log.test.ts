import { readFile } from 'node:fs/promises';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'genisoimage');

test('QEMU warns of nothing, whatever devices a guest has', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const buses = ['virtio', 'scsi', 'sata', 'ide', 'sata', 'sata', 'sata', 'sata'];
  const disks = await Promise.all(
    buses.map(async (bus, n) => ({ bus, source: await host.makeDisk(id, n), size: 16 })),
  );
  const nics = ['virtio', 'e1000', 'e1000e', 'rtl8139'].map((model) => ({ network: 'user', model }));
  await host.call('Create', { id, ...TINY, memory: 64, cpu: 2, disks, nics, metadata: { hostname: 'a' } });
  await host.call('Restart', { id });
  const log = await readFile(host.stateFile(id, 'qemu.log'), 'utf8');
  t.deepEqual(
    log.split('\n').filter((line) => line !== '' && !line.startsWith('VNC server running on ')),
    [],
  );
});
