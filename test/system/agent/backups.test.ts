import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Backup } from '../../../lib/client/index.js';
import { bootLinux, finishJob, useLinux } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { countRecords, writeRecords } from '../../helpers/numbered-records.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';

const test = needsInTurn('root', 'restic', ...LINUX_PARTS);

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
