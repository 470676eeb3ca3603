import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Accepted, Job } from '../../../lib/client/index.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { bootLinux, finishJob } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

const test = needsInTurn(...LINUX_PARTS, 'python3');

const SECTORS_PER_MB = 2048;

interface TestGuest {
  id: string;
  /** Waits for a job, and returns it. */
  finish: (accepted: Promise<Accepted<unknown>>) => Promise<Job>;
  /** The files of its disks. */
  files: () => Promise<string[]>;
  /** Lists QEMU's block nodes of its disks. */
  nodes: () => Promise<string[]>;
}

const useGuest = (agent: RealAgent, id: string): TestGuest => ({
  id,
  finish: (accepted) => finishJob(agent, accepted),
  files: async () =>
    (await readdir(join(agent.dbpath, 'storage/guests', id)))
      .filter((name) => name.endsWith('.qcow2'))
      .sort(),
  nodes: async () => {
    const qmp = await QmpClient.connect(join(agent.dbpath, 'run', id, 'qmp-storage.sock'));
    const nodes = await qmp.execute<Record<string, string>[]>('query-named-block-nodes', { flat: true });
    qmp.close();
    return nodes
      .map((node) => node['node-name'] ?? '')
      .filter((name) => name.startsWith('disk'))
      .sort();
  },
});

const SIZE = 'cat /sys/block/vdb/size || echo none';

test('a running Linux gets a disk, sees it grow, loses it, and finds its content on it again', async (t) => {
  t.timeout(600_000);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const { id, run } = await bootLinux(agent);
  const { finish, files, nodes } = useGuest(agent, id);
  const size = (mb: number) =>
    until(`/dev/vdb has ${mb} MB`, async () => (await run(SIZE)) === String(mb * SECTORS_PER_MB));
  const gone = () =>
    until('/dev/vdb is gone', async () => (await run('ls /sys/block')).includes('vdb') === false);
  t.regex((await finish(client.guests.addDisk(id, { size: 64 }))).Message, /^disk 1 is plugged in$/);
  await size(64);
  t.is(await run('echo hello | dd of=/dev/vdb conv=sync 2>/dev/null; sync; echo written'), 'written');
  const grown = await finish(client.guests.changeDisk(id, 'vdb', { size: 128 }));
  t.is(grown.Message, 'disk 1 has 128 MB instead of 64; the guest has it already');
  await size(128);
  const kept = await finish(client.guests.removeDisk(id, '1', { keep: true }));
  t.regex(kept.Message, /^the data of disk 1 stays in .*disk-1\.qcow2: add it again with the volume /);
  await gone();
  t.deepEqual(await nodes(), ['disk0']);
  await finish(client.guests.addDisk(id, { volume: `guests/${id}/disk-1` }));
  await size(128);
  t.is(await run('head -c 5 /dev/vdb'), 'hello');
  t.like((await client.guests.disks(id))[1], { number: 1, size: 128, device: 'vdb' });
  t.is((await finish(client.guests.removeDisk(id, '1'))).Message, 'disk 1 and its data are deleted');
  await gone();
  t.deepEqual(await files(), ['disk-0.qcow2']);
  t.is((await client.guests.get(id)).disks?.length, 1);
  t.is(await run('cat /data/boot-count'), '1');
});

/** A guest that runs without an operating system. */
const createBlank = async (agent: RealAgent, disks: { size: number; bus?: string }[]): Promise<TestGuest> => {
  const { client } = agent;
  const created = await client.guests.create({ memory: 32, disks });
  await client.waitForJob(created.jobId);
  return useGuest(agent, created.body.id);
};

const assertUnchanged = async (
  t: ExecutionContext,
  { client }: RealAgent,
  { id, files, nodes }: TestGuest,
): Promise<void> => {
  t.is((await client.guests.get(id)).disks?.length, 1);
  t.deepEqual(await files(), ['disk-0.qcow2']);
  t.deepEqual(await nodes(), ['disk0']);
};

test('an addition that QEMU refuses changes nothing, and one that fails midway leaves nothing', async (t) => {
  t.timeout(300_000);
  await wrapProgram(t, 'python3', 'echo "no luck" >&2; exit 1');
  const agent = await startRealAgent(t);
  const { client } = agent;
  const guest = await createBlank(agent, [{ size: 1 }]);
  const { id, finish } = guest;
  await t.throwsAsync(finish(client.guests.addDisk(id, { size: 1, bus: 'sata' })), {
    message: /no sata disk can be plugged in/,
  });
  await assertUnchanged(t, agent, guest);
  await t.throwsAsync(finish(client.guests.addDisk(id, { size: 1 })), { message: /no luck/ });
  await assertUnchanged(t, agent, guest);
});

test('does not remove a disk from QEMU whose data a snapshot keeps', async (t) => {
  t.timeout(300_000);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const { id, finish, nodes } = await createBlank(agent, [{ size: 1 }, { size: 1, bus: 'scsi' }]);
  await finish(client.snapshotsOf(id).create('before'));
  await t.throwsAsync(finish(client.guests.removeDisk(id, '1')), {
    message: /snapshots of guest .* include disk 1: before: delete them first, or keep the data/,
  });
  t.deepEqual(await nodes(), ['disk0', 'disk1']);
  await finish(client.guests.removeDisk(id, '1', { keep: true }));
  t.deepEqual(await nodes(), ['disk0']);
  await finish(client.guests.perform(id, 'poweroff'));
  await t.throwsAsync(finish(client.snapshotsOf(id).rollBack('before')), {
    message: /includes disk 1, which was removed since: add it again with the volume guests\/.*\/disk-1/,
  });
  await finish(client.guests.addDisk(id, { volume: `guests/${id}/disk-1` }));
  await finish(client.snapshotsOf(id).rollBack('before'));
  await finish(client.guests.perform(id, 'start'));
  t.deepEqual(await nodes(), ['disk0', 'disk1']);
});
