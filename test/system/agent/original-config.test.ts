import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { HEALTH_PATH } from '../../../lib/rpc/protocol/calls.js';
import { builtProgram } from '../../helpers/built-program.js';
import { needs } from '../../helpers/needs.js';
import { freePort } from '../../helpers/ports.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

const stages = (service: string, ...methods: string[]): ConfigFile['actions'][string] => ({
  stages: methods.map((method) => ({ method, service })),
});

/** The actions of the original agent's agent.json, name for name. */
const originalActions: ConfigFile['actions'] = {
  create: {
    stages: [
      ...stages('storage', 'ImageStore.CreateGuestDisks').stages,
      ...stages('libvirt', 'Libvirt.CreateGuest').stages,
    ],
  },
  delete: {
    stages: [
      ...stages('libvirt', 'Libvirt.Delete').stages,
      ...stages('storage', 'ImageStore.DeleteGuestsDisks').stages,
    ],
  },
  reboot: stages('libvirt', 'Libvirt.Reboot'),
  restart: stages('libvirt', 'Libvirt.Restart'),
  poweroff: stages('libvirt', 'Libvirt.Poweroff'),
  shutdown: stages('libvirt', 'Libvirt.Shutdown'),
  start: stages('libvirt', 'Libvirt.Run'),
  cpuMetrics: stages('libvirt', 'Libvirt.CPUMetrics'),
  nicMetrics: stages('libvirt', 'Libvirt.NicMetrics'),
  diskMetrics: stages('libvirt', 'Libvirt.DiskMetrics'),
  listImages: stages('storage', 'ImageStore.ListImages'),
  getImage: stages('storage', 'ImageStore.GetImage'),
  deleteImage: stages('storage', 'ImageStore.DeleteImage'),
  fetchImage: stages('storage', 'ImageStore.RequestImage'),
  listSnapshots: stages('storage', 'ImageStore.ListSnapshots'),
  getSnapshot: stages('storage', 'ImageStore.GetSnapshot'),
  createSnapshot: stages('storage', 'ImageStore.CreateSnapshot'),
  deleteSnapshot: stages('storage', 'ImageStore.DeleteSnapshot'),
  rollbackSnapshot: stages('storage', 'ImageStore.RollbackSnapshot'),
  downloadSnapshot: stages('storageDownload', 'ImageStore.DownloadSnapshot'),
  containerCreate: stages('mdocker', 'MDocker.CreateContainer', 'MDocker.StartContainer'),
  containerDelete: stages('mdocker', 'MDocker.StopContainer', 'MDocker.DeleteContainer'),
  containerStart: stages('mdocker', 'MDocker.StartContainer'),
  containerReboot: stages('mdocker', 'MDocker.RebootContainer'),
  containerRestart: stages('mdocker', 'MDocker.RestartContainer'),
  containerPoweroff: stages('mdocker', 'MDocker.StopContainer'),
  containerShutdown: stages('mdocker', 'MDocker.StopContainer'),
  containerListImages: stages('mdocker', 'MDocker.ListImages'),
  containerGetImage: stages('mdocker', 'MDocker.GetImage'),
  containerDeleteImage: stages('mdocker', 'MDocker.DeleteImage'),
  containerFetchImage: stages('mdocker', 'MDocker.LoadImage'),
};

/** Starts a sub-agent by hand, as users of the original agent did. */
const startByHand = (t: ExecutionContext, program: 'qemu' | 'storage', ...args: string[]): void => {
  const child = spawn(process.execPath, [builtProgram(program), ...args], { stdio: 'ignore' });
  t.teardown(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });
};

/** Waits until a sub-agent responds: the agent does not wait for those that it does not start. */
const waitUntilHealthy = (port: number): Promise<unknown> =>
  until(`the sub-agent on port ${port} responds`, () =>
    fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );

test("the original agent's config drives these sub-agents: it defines, starts, measures and deletes a guest", async (t) => {
  const dir = await tempDir(t);
  const ports = { storage: await freePort(), libvirt: await freePort() };
  const shared = ['--run-dir', join(dir, 'run')];
  startByHand(t, 'storage', '--port', String(ports.storage), '--dir', join(dir, 'storage'), ...shared);
  startByHand(t, 'qemu', '--port', String(ports.libvirt), '--dir', join(dir, 'qemu'), ...shared);
  const { client } = await startRealAgent(t, () => ({
    actions: originalActions,
    services: {
      libvirt: { port: ports.libvirt },
      mdocker: { port: 1 },
      storage: { port: ports.storage },
      storageDownload: { path: '/snapshots/download', port: ports.storage },
    } as unknown as ConfigFile['services'],
  }));

  await Promise.all([ports.storage, ports.libvirt].map(waitUntilHealthy));
  const created = await client.guests.create({ memory: 64, cpu: 1, disks: [{ size: 1 }] });
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  t.is((await client.guests.get(id)).state, 'shutoff', 'CreateGuest defines a guest without starting it');

  await client.guests.perform(id, 'start').then(({ jobId }) => client.waitForJob(jobId));
  t.is((await client.guests.get(id)).state, 'running');
  t.is((await client.guests.cpuMetrics(id)).length, 1);

  await client.guests.perform(id, 'poweroff').then(({ jobId }) => client.waitForJob(jobId));
  t.is((await client.guests.get(id)).state, 'shutoff');

  await client.guests.perform(id, 'delete').then(({ jobId }) => client.waitForJob(jobId));
  t.deepEqual((await client.guests.list()).items, []);
});
