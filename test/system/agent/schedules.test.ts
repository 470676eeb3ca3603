import type { MistifyClient, ScheduleDetails } from '../../../lib/client/index.js';
import { parseSnapshotId } from '../../../lib/model/snapshot.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('qemu-system-x86_64', 'qemu-img', 'restic', 'root');

/** A guest with two disks, which runs. */
const createGuest = async (client: MistifyClient): Promise<string> => {
  const spec = { memory: 64, cpu: 1, disks: [{ size: 4 }, { size: 4 }] };
  const { body, jobId } = await client.guests.create(spec);
  await client.waitForJob(jobId);
  return body.id;
};

const ended = ({ schedules }: MistifyClient, id: string): Promise<ScheduleDetails> =>
  until('the run has ended', async () => {
    const schedule = await schedules.get(id);
    return schedule.status.some(({ run }) => run?.outcome === 'running') ? undefined : schedule;
  });

const run = async (client: MistifyClient, id: string): Promise<ScheduleDetails> => {
  await client.schedules.run(id);
  return ended(client, id);
};

test('takes snapshots of a running guest, and deletes its own old ones alone, across a SIGKILL of the agent', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const guest = await createGuest(client);
  const snapshots = client.snapshotsOf(guest);
  await client.waitForJob((await snapshots.create('of-a-user')).jobId);
  const spec = { name: 'nightly', guests: { ids: [guest] }, cron: '@yearly', keep: { last: 2 } };
  const { id } = await client.schedules.create(spec);
  await run(client, id);
  await run(client, id);
  await client.schedules.run(id);
  await agent.end('SIGKILL');
  await agent.start();
  const { status } = await ended(client, id);
  t.like(status[0]?.run, { outcome: 'success', message: undefined });
  const { items } = await snapshots.list();
  const found = items.map((snapshot) => parseSnapshotId(snapshot.id));
  for (const disk of ['0', '1'])
    t.deepEqual(
      found.filter((each) => each?.disk === disk).map((each) => each?.name),
      ['of-a-user', ...(status[0]?.kept ?? [])],
    );
  t.is(status[0]?.kept.length, 2);
  t.is(items.at(-1)?.description, 'made by schedule nightly');
  t.is((await client.guests.get(guest)).state, 'running');
});

test('backs a running guest up, deletes old backups, and verifies what is left', async (t) => {
  const { client } = await startRealAgent(t);
  const guest = await createGuest(client);
  const guests = { ids: [guest] };
  const backups = await client.schedules.create({
    ...{ name: 'backups', action: 'backup', guests, cron: '@yearly', keep: { last: 1 } },
  });
  await run(client, backups.id);
  const { status } = await run(client, backups.id);
  t.like(status[0]?.run, { outcome: 'success', message: undefined });
  const ids = async () => (await client.backups.list({ guest })).items.map(({ id }) => id);
  t.deepEqual(await ids(), status[0]?.kept);
  const verify = await client.schedules.create({
    ...{ name: 'verify', action: 'verify', guests, cron: '@yearly' },
  });
  t.is((await run(client, verify.id)).last?.outcome, 'success');
  t.true((await client.backups.list({ guest })).items[0]?.verified?.ok);
});
