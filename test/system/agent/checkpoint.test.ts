import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { finishJob } from '../../helpers/agent-linux.js';
import { bootCounting } from '../../helpers/counting-guest.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { OTHER_QEMU, OVMF } from '../../helpers/parts.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { createPool, ZFS_PARTS } from '../../helpers/zfs.js';

const test = needs(...LINUX_PARTS);
const zfsTest = needs(...LINUX_PARTS, ...ZFS_PARTS);
const otherQemuTest = needs(...LINUX_PARTS, OTHER_QEMU);
const firmwareTest = needs('qemu-system-x86_64', 'qemu-img', 'swtpm', OVMF);
const pluggingTest = needs(...LINUX_PARTS, 'python3');

const otherQemu = (config: ConfigFile): ConfigFile => {
  const { qemu, ...services } = config.services;
  const command = ['mistify-qemu', '--qemu', process.env.MISTIFY_OTHER_QEMU ?? ''];
  return qemu ? { ...config, services: { ...services, qemu: { ...qemu, command } } } : config;
};

const goesOn = async (t: ExecutionContext, change?: (config: ConfigFile) => ConfigFile): Promise<void> => {
  const agent = await startRealAgent(t, change);
  const { client } = agent;
  const { id, run, count, countBoth } = await bootCounting(t, agent);
  const snapshots = client.snapshotsOf(id);
  const before = await count();
  await finishJob(agent, snapshots.create('running', { memory: true, description: 'it counts' }));
  const taken = await count();
  t.is((await client.guests.get(id)).state, 'running');
  for (const { memory = 0, description } of await snapshots.get('running')) {
    t.true(memory > 10 && memory < 512, `${memory}`);
    t.is(description, 'it counts');
  }
  for (const round of [1, 2]) {
    await run('sleep 3');
    const later = await count();
    t.true(later > taken);
    const { Message } = await finishJob(agent, snapshots.rollBack('running', { poweroff: true }));
    t.regex(Message, /the guest was powered off; .*the guest continues from the moment of the snapshot/);
    t.is((await client.guests.get(id)).state, 'running');
    const back = await count();
    t.true(back >= before && back < later, `round ${round}: ${before} ${taken} ${later} ${back}`);
    const [onDisk = 0, inMemory = 99] = await countBoth();
    t.true(Math.abs(onDisk - inMemory) <= 1, `${onDisk} ${inMemory}`);
  }
};

test('a guest continues from the moment of its snapshot with memory: its memory and all of its disks', (t) =>
  goesOn(t));

otherQemuTest('a guest of another QEMU continues from the moment of its snapshot with memory, too', (t) =>
  goesOn(t, otherQemu),
);

pluggingTest('what was added to a running guest is in its snapshot with memory', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const { id, run, count } = await bootCounting(t, agent, { maxMemory: 512, maxCpu: 2 });
  await finishJob(agent, client.guests.update(id, { memory: 256, cpu: 2 }));
  await finishJob(agent, client.guests.addDisk(id, { size: 8 }));
  await finishJob(agent, client.nicsOf(id).add({ network: 'user' }));
  t.is(await run('sleep 3; ls /dev/vdc'), '/dev/vdc');
  const snapshots = client.snapshotsOf(id);
  await finishJob(agent, snapshots.create('running', { memory: true }));
  const taken = await count();
  await run('sleep 2; echo later > /dev/vdc');
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  await finishJob(agent, snapshots.rollBack('running'));
  t.true((await count()) < taken + 20);
  t.is(await run('ls /dev/vdc; ls /sys/class/net | grep -c eth'), '/dev/vdc 1');
  t.is(await run('head -c 5 /dev/vdc | tr -d "\\\\0"'), '');
  t.like(await client.guests.get(id), { state: 'running', memory: 256, cpu: 2 });
  t.is(await run('ls -d /sys/devices/system/cpu/cpu[0-9] | wc -l'), '2');
});

pluggingTest('memory that no longer fits the guest is refused before any disk changes', async (t) => {
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const { id, output } = await bootCounting(t, agent);
  const snapshots = client.snapshotsOf(id);
  await finishJob(agent, snapshots.create('running', { memory: true }));
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  await finishJob(agent, client.guests.addDisk(id, { size: 8 }));
  await finishJob(agent, client.guests.update(id, { memory: 256 }));
  const words =
    /does not fit guest .*: it had 128 MB of memory, and has 256 now; disk 2 was added: undo that, or roll back its disks only \(memory=false, --no-memory\)/;
  await t.throwsAsync(finishJob(agent, snapshots.rollBack('running')), { message: words });
  await t.throwsAsync(snapshots.rollBack('running', { dryRun: true }), { message: words });
  await finishJob(agent, snapshots.rollBack('running', { memory: false }));
  t.is((await client.guests.get(id)).state, 'shutoff');
  const boots = (await output()).split('mistify-guest: up').length;
  await finishJob(agent, client.guests.removeDisk(id, '2'));
  await finishJob(agent, client.guests.update(id, { memory: 128 }));
  await finishJob(agent, snapshots.rollBack('running', { memory: true }));
  t.is((await client.guests.get(id)).state, 'running');
  t.is((await output()).split('mistify-guest: up').length, boots);

  await finishJob(agent, snapshots.create('plain'));
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  await t.throwsAsync(finishJob(agent, snapshots.rollBack('plain', { memory: true })), {
    message: /snapshot plain of guest .* has no memory/,
  });
  await t.throwsAsync(finishJob(agent, snapshots.create('off', { memory: true })), {
    message: /is shutoff: only a snapshot of a guest that runs can have its memory/,
  });
  const checkpoints = join(dbpath, 'storage/checkpoints', id);
  t.deepEqual(await readdir(checkpoints), ['@running']);
  await finishJob(agent, snapshots.delete('running'));
  t.deepEqual(await readdir(checkpoints), []);
  await finishJob(agent, client.guests.delete(id));
  t.false(existsSync(checkpoints));
});

zfsTest('snapshots in ZFS have memory, too, and give its room back', async (t) => {
  const pool = await createPool();
  t.teardown(() => pool.destroy());
  const agent = await startRealAgent(t, (config) => ({
    ...config,
    services: {
      ...config.services,
      storage: {
        ...{ socket: 'storage.sock', path: '/_mistify_RPC_', max_pending: 4 },
        command: ['mistify-storage', '--backend', 'zfs', '--pool', pool.name],
      },
      qemu: {
        ...{ socket: 'qemu.sock', path: '/_mistify_RPC_', max_pending: 32 },
        command: ['mistify-qemu', '--disk-dir', join(pool.mountpoint, 'guests')],
      },
    },
  }));
  const { client } = agent;
  const { id, run, count, countBoth } = await bootCounting(t, agent);
  const snapshots = client.snapshotsOf(id);
  await finishJob(agent, snapshots.create('running', { memory: true }));
  const taken = await count();
  await run('sleep 3');
  await finishJob(agent, snapshots.create('later', { memory: true }));
  const destroyMoreRecent = { destroyMoreRecent: true, poweroff: true };
  await finishJob(agent, snapshots.rollBack('running', destroyMoreRecent));
  t.true((await count()) < taken + 20);
  const [onDisk = 0, inMemory = 99] = await countBoth();
  t.true(Math.abs(onDisk - inMemory) <= 1, `${onDisk} ${inMemory}`);
  t.deepEqual(await readdir(join(pool.mountpoint, 'checkpoints', id)), ['@running']);
});

firmwareTest('the memory of a guest has the state of its firmware and its TPM', async (t) => {
  t.timeout(600_000);
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const machine = { firmware: 'uefi' as const, tpm: true };
  const created = await client.guests.create({ memory: 192, disks: [{ size: 8 }], machine });
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  const tpmDir = join(dbpath, 'storage/guests', id, 'tpm');
  const tpm = () => readFile(join(tpmDir, 'tpm2-00.permall'));
  const snapshots = client.snapshotsOf(id);
  await finishJob(agent, snapshots.create('running', { memory: true }));
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  const before = await tpm();
  await rm(tpmDir, { recursive: true });
  await finishJob(agent, client.guests.perform(id, 'start'));
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  t.false(before.equals(await tpm()), 'another TPM');
  await finishJob(agent, snapshots.rollBack('running'));
  t.is((await client.guests.get(id)).state, 'running');
  t.true(before.equals(await tpm()), 'the TPM of the snapshot');
});
