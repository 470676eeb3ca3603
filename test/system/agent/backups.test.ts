import { randomUUID } from 'node:crypto';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Backup } from '../../../lib/client/index.js';
import { exists } from '../../../lib/files/exists.js';
import { writeRollbackMark } from '../../../lib/subagents/shared/rollback-mark.js';
import { bootLinux, finishJob, useLinux } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { countRecords, writeRecords } from '../../helpers/numbered-records.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

// Guarantees: G54.

const test = needsInTurn('root', 'restic', 'qemu-io', ...LINUX_PARTS);

/** The repository and the claims of hosts that share both. */
interface Shared {
  repository: string;
  key: string;
  host: string;
}

const share = async (t: ExecutionContext): Promise<Shared> => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'key'), `${randomUUID()}\n`, { mode: 0o600 });
  return { repository: join(dir, 'repository'), key: join(dir, 'key'), host: join(dir, 'host') };
};

/** Starts an agent whose backups go to a repository that another one may share. */
const startWith = (t: ExecutionContext, { repository, key, host }: Shared): Promise<RealAgent> =>
  startRealAgent(
    t,
    (config) => ({
      ...config,
      services: {
        ...config.services,
        backup: {
          ...config.services.backup,
          command: ['mistify-backup', '--repository', repository, '--password-file', key],
        } as NonNullable<typeof config.services.backup>,
      },
    }),
    host,
  );

const backUp = async (agent: RealAgent, guest: string): Promise<Backup> => {
  const accepted = await agent.client.backupsOf(guest).create();
  await agent.client.waitForJob(accepted.jobId);
  return agent.client.backups.get(accepted.body.id);
};

test('a guest that writes all the while is backed up, and another host restores a prefix without a gap', async (t) => {
  t.timeout(900_000);
  const shared = await share(t);
  const agent = await startWith(t, shared);
  const linux = await bootLinux(agent, { metadata: { name: 'web' } });
  const records = await writeRecords(linux);
  const before = await records.count();
  const first = await backUp(agent, linux.id);
  const between = await records.count();
  t.true(between > before, 'the guest goes on during the backup');
  await records.progress();
  const second = await backUp(agent, linux.id);
  const after = await records.count();
  t.true(second.read < first.read / 2, `the second one reads only changes: ${second.read} of ${first.read}`);
  t.is(second.whole, undefined);
  for (const { id } of [first, second]) await finishJob(agent, agent.client.backups.verify(id));
  t.true((await agent.client.backups.get(second.id)).verified?.ok);
  t.is((await agent.client.guests.get(linux.id)).state, 'running');

  const other = await startWith(t, shared);
  t.deepEqual(
    (await other.client.backups.list()).items.map(({ id }) => id),
    [second.id, first.id],
  );
  for (const [backup, least, most] of [
    [first, before, between],
    [second, between, after],
  ] as const) {
    const accepted = await other.client.backups.restore(backup.id, { name: backup.id, start: true });
    await other.client.waitForJob(accepted.jobId);
    const restored = await useLinux(other, accepted.body.id);
    const count = await countRecords(restored);
    t.true(count >= least && count <= most + 1, `${least} <= ${count} <= ${most}`);
  }
});

/** Lets restic wait before it backs up, until it is released. */
const holdBackups = async (t: ExecutionContext) => {
  const dir = await tempDir(t);
  // For restic, which runs as a user of its own.
  await chmod(dir, 0o777);
  const [flag, held] = [join(dir, 'hold'), join(dir, 'held')];
  await writeFile(flag, '');
  const script = `case " $* " in *" backup "*) touch ${held}; while [[ -e ${flag} ]]; do sleep 0.1; done;; esac`;
  await wrapProgram(t, 'restic', script);
  return {
    held: () => until('restic is about to back up', () => exists(held), 60_000),
    release: () => rm(flag),
  };
};

/** The guests whose disks are open for a backup. */
const openDisks = ({ dbpath }: RealAgent): Promise<string[]> =>
  readdir(join(dbpath, 'storage/backups')).catch(() => []);

/** A guest with two blank disks that is off. */
const createOff = async (agent: RealAgent): Promise<string> => {
  const { client } = agent;
  const created = await client.guests.create({ memory: 64, disks: [{ size: 4 }, { size: 4 }] });
  await client.waitForJob(created.jobId);
  await finishJob(agent, client.guests.perform(created.body.id, 'poweroff'));
  return created.body.id;
};

const fill = async (agent: RealAgent, guest: string, disk: number, byte: number): Promise<void> => {
  const path = join(agent.dbpath, `storage/guests/${guest}/disk-${disk}.qcow2`);
  await execa('qemu-io', ['-f', 'qcow2', '-c', `write -P ${byte} 1M 1M`, path]);
};

/** Reads the byte that fills a disk. */
const byteOf = async (agent: RealAgent, guest: string, disk: number): Promise<number | undefined> => {
  const path = join(agent.dbpath, `storage/guests/${guest}/disk-${disk}.qcow2`);
  const raw = `${path}.raw`;
  await execa('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', path, raw]);
  const bytes = (await readFile(raw)).subarray(2 ** 20, 2 ** 21);
  await rm(raw);
  return bytes.every((byte) => byte === bytes[0]) ? bytes[0] : undefined;
};

test('restores into a guest that is off: all its disks, or one', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await createOff(agent);
  for (const disk of [0, 1]) await fill(agent, id, disk, 1);
  const backup = await backUp(agent, id);
  for (const disk of [0, 1]) await fill(agent, id, disk, 2);
  await finishJob(agent, client.backups.restore(backup.id, { guest: id, disks: ['1'] }));
  t.deepEqual([await byteOf(agent, id, 0), await byteOf(agent, id, 1)], [2, 1]);
  await finishJob(agent, client.backups.restore(backup.id, { guest: id, start: true }));
  await until('it runs', async () => (await client.guests.get(id)).state === 'running');
  t.deepEqual([await byteOf(agent, id, 0), await byteOf(agent, id, 1)], [1, 1]);
  t.deepEqual((await client.snapshotsOf(id).list()).items, []);
  await t.throwsAsync(client.backups.restore(backup.id, { guest: id }), { message: /shut it down first/ });
});

test('a dry run of a backup or a restore asks the storage, too, and changes nothing', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await createOff(agent);
  const dryRun = { dryRun: true };
  t.deepEqual((await client.backupsOf(id).create(dryRun)).unchecked, ['backup Backup.Create']);
  const { id: backup } = await backUp(agent, id);
  const restore = () => client.backups.restore(backup, { guest: id }, dryRun);
  t.deepEqual((await restore()).unchecked, ['backup Backup.Restore']);
  t.deepEqual(await openDisks(agent), []);
  const marked = join(agent.dbpath, 'storage/guests', id);
  await writeRollbackMark(marked, 'a rollback of it was interrupted');
  const refusal = { message: /a rollback of it was interrupted/ };
  await t.throwsAsync(client.backupsOf(id).create(dryRun), refusal);
  await t.throwsAsync(restore(), refusal);
});

test('a guest that was deleted is made again with its id', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await createOff(agent);
  await fill(agent, id, 1, 7);
  const before = await client.guests.get(id);
  const backup = await backUp(agent, id);
  await finishJob(agent, client.guests.delete(id));
  await finishJob(agent, client.backups.restore(backup.id, { guest: id }));
  t.is(await byteOf(agent, id, 1), 7);
  const { machine, nics, memory } = await client.guests.get(id);
  t.deepEqual({ machine, nics, memory }, { machine: before.machine, nics: before.nics, memory: 64 });
  await finishJob(agent, client.guests.perform(id, 'start'));
});

for (const action of ['poweroff', 'delete'] as const)
  test(`a ${action} ends a running backup, which leaves nothing behind`, async (t) => {
    const { held, release } = await holdBackups(t);
    const agent = await startRealAgent(t);
    const { client, dbpath } = agent;
    const id = await createOff(agent);
    await finishJob(agent, client.guests.perform(id, 'start'));
    const { jobId } = await client.backupsOf(id).create();
    await held();
    await finishJob(agent, client.guests.perform(id, action));
    await t.throwsAsync(client.waitForJob(jobId), { message: new RegExp(`superseded by ${action}`) });
    await release();
    t.deepEqual(await openDisks(agent), []);
    await until('no lock is left', async () => {
      const locks = join(dbpath, 'backup/repository/locks');
      return (await readdir(locks).catch(() => [])).length === 0;
    });
    t.deepEqual((await client.backups.list()).items, []);
    if (action === 'delete') return;
    await finishJob(agent, client.guests.perform(id, 'start'));
    await backUp(agent, id);
  });

test('a start of a guest that is off does not wait for its backup', async (t) => {
  const { held, release } = await holdBackups(t);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await createOff(agent);
  const { jobId } = await client.backupsOf(id).create();
  await held();
  await finishJob(agent, client.guests.perform(id, 'start'));
  await t.throwsAsync(client.waitForJob(jobId), { message: /superseded by start/ });
  await release();
  await backUp(agent, id);
});

test('a backup that the agent was killed in fails, and the next one is good', async (t) => {
  const { held, release } = await holdBackups(t);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await createOff(agent);
  await finishJob(agent, client.guests.perform(id, 'start'));
  const { jobId } = await client.backupsOf(id).create();
  await held();
  await agent.end('SIGKILL');
  await release();
  await agent.start();
  await t.throwsAsync(client.waitForJob(jobId), { message: /interrupted/ });
  t.deepEqual(await openDisks(agent), []);
  t.is((await client.guests.get(id)).state, 'running');
  const { id: backup } = await backUp(agent, id);
  await finishJob(agent, client.backups.verify(backup));
});
