import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import getPort from 'get-port';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { startQemuProgram } from '../../helpers/qemu-program.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64');

interface Slot {
  'qom-path'?: string;
}

interface Device {
  data: { 'requested-size'?: number };
}

test('repeats a change after SIGKILL of the sub-agent in the middle of it', async (t) => {
  const dir = await tempDir(t);
  const port = await getPort();
  const first = await startQemuProgram(t, dir, port);
  const id = randomUUID();
  const call = (method: string, request: object = {}) =>
    callMethod(port, `Libvirt.${method}`, { guest: { id }, action: 'update', ...request });
  const size = { memory: 32, cpu: 1, maxMemory: 128, maxCpu: 4 };
  t.like(await call('Create', { guest: { id, ...size } }), { error: null });
  const qmp = await QmpClient.connect(join(dir, 'run', id, 'qmp-storage.sock'));
  t.teardown(() => qmp.close());
  const cpus = async (): Promise<number> =>
    (await qmp.execute<Slot[]>('query-hotpluggable-cpus')).filter((slot) => slot['qom-path']).length;
  const isRequested = async (): Promise<boolean> =>
    (await qmp.execute<Device[]>('query-memory-devices')).some(({ data }) => data['requested-size']);
  // The guest has no operating system that would take memory: the call waits for it.
  const change = { cpu: 3, memory: 64 };
  const lost = call('Update', { change }).catch(() => undefined);
  await until('memory is requested', isRequested);
  t.is(await cpus(), 3);
  first.kill('SIGKILL');
  await Promise.all([once(first, 'exit'), lost]);
  await startQemuProgram(t, dir, port);
  t.like((await call('Status')).result?.guest, { cpu: 3, memory: 32, pending: { memory: 64 } });
  t.false(await isRequested());
  const { result } = await call('Update', { change });
  t.like(result?.guest, { cpu: 3, memory: 32, pending: { memory: 64 } });
  t.regex(
    String(result?.message),
    /the guest gets 64 MB of memory at its next start: .*stopped at 32 MB of memory/,
  );
  t.is(await cpus(), 3);
  t.false(await isRequested());
  await call('Poweroff');
  t.like((await call('Run')).result?.guest, { cpu: 3, memory: 64, pending: {} });
  await call('Delete');
});
