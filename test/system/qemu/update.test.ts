import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

test('changes a guest that is off at once', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  const { guest, message } = await host.change('Update', id, {
    memory: 64,
    cpu: 2,
    maxMemory: 128,
    maxCpu: 4,
  });
  t.like(guest, { memory: 64, cpu: 2, maxMemory: 128, maxCpu: 4, pending: {} });
  t.regex(
    message ?? '',
    /the guest has 64 MB of memory, 2 vCPUs, 128 MB as maxMemory and 4 vCPUs as maxCpu now/,
  );
  await host.call('Run', { id });
  const again = await host.change('Update', id, { memory: 96, cpu: 4 });
  t.log(again);
});
