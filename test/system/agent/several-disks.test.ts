import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Accepted, Job, MistifyClient } from '../../../lib/client/index.js';
import { holdDisk } from '../../helpers/disk-holder.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { wrapProgram } from '../../helpers/wrapped-program.js';

const test = needsInTurn('qemu-system-x86_64', 'qemu-img', 'qemu-nbd');

/** A guest with two disks that is off and has the snapshots s1 and s2, and its disks' paths. */
interface TestGuest {
  id: string;
  sources: string[];
  finish: (accepted: Promise<Accepted<unknown>>) => Promise<Job>;
}

const createGuest = async (client: MistifyClient): Promise<TestGuest> => {
  const finish = async (accepted: Promise<Accepted<unknown>>): Promise<Job> =>
    client.waitForJob((await accepted).jobId);
  const accepted = await client.guests.create({ memory: 64, cpu: 1, disks: [{ size: 1 }, { size: 1 }] });
  await client.waitForJob(accepted.jobId);
  const { id } = accepted.body;
  await finish(client.guests.perform(id, 'poweroff'));
  for (const name of ['s1', 's2']) await finish(client.snapshotsOf(id).create(name));
  const { disks = [] } = await client.guests.get(id);
  return { id, sources: disks.map(({ source }) => source), finish };
};

const names = async (client: MistifyClient, id: string): Promise<string[]> =>
  (await client.snapshotsOf(id).list()).items.map((snapshot) => snapshot.id.split('/')[2] ?? '');

const ALL = ['disk-0@s1', 'disk-0@s2', 'disk-1@s1', 'disk-1@s2'];

test('neither rolls back nor deletes the snapshot of one disk while another program has the other open', async (t) => {
  const { client } = await startRealAgent(t);
  const { id, sources, finish } = await createGuest(client);
  const { pid, stop } = await holdDisk(t, sources[1] ?? '');
  const message = new RegExp(`disk-1 is open by qemu-nbd \\(process ${pid}\\): stop that first$`);
  const snapshots = client.snapshotsOf(id);
  await t.throwsAsync(finish(snapshots.rollBack('s1', { destroyMoreRecent: true })), { message });
  await t.throwsAsync(finish(snapshots.delete('s1')), { message });
  t.deepEqual(await names(client, id), ALL);
  await stop();
  await finish(client.guests.perform(id, 'start'));
  t.is((await client.guests.get(id)).state, 'running');
});

/** While the file `flag` exists, makes the rollback of second disks fail, and the undoing of the first ones. */
const breakRollbacks = async (t: ExecutionContext, flag: string): Promise<void> => {
  await wrapProgram(
    t,
    'qemu-img',
    `if [[ -e ${flag} && "$1" == snapshot && "$3" == -a ]]; then
  if [[ $(readlink /proc/self/fd/4) == *disk-1* || "$4" == +undo ]]; then echo "no luck" >&2; exit 1; fi
fi`,
  );
};

test('a guest whose disks are at different times does not start until it is rolled back again', async (t) => {
  const dir = await tempDir(t);
  // For the tools, which run as the user nobody.
  await chmod(dir, 0o755);
  const flag = join(dir, 'broken');
  await breakRollbacks(t, flag);
  const { client } = await startRealAgent(t);
  const { id, finish } = await createGuest(client);
  await writeFile(flag, '');
  const message =
    /disk 0 is rolled back to s1, disk 1 is not .*: roll all its disks back again, .*\(s1, s2\)/;
  const back = (): Promise<Job> => finish(client.snapshotsOf(id).rollBack('s1', { destroyMoreRecent: true }));
  await t.throwsAsync(back(), { message });
  await t.throwsAsync(finish(client.guests.perform(id, 'start')), { message });
  t.is((await client.guests.get(id)).state, 'shutoff');
  await rm(flag);
  await back();
  t.deepEqual(
    (await names(client, id)).map((name) => name.slice(-2)),
    ['s1', 's1'],
  );
  await finish(client.guests.perform(id, 'start'));
  t.is((await client.guests.get(id)).state, 'running');
});

test('the job of a deletion says what it leaves behind', async (t) => {
  const { client } = await startRealAgent(t);
  const { id, sources, finish } = await createGuest(client);
  const { pid } = await holdDisk(t, sources[1] ?? '');
  const { Status, Message } = await finish(client.guests.perform(id, 'delete'));
  t.is(Status, 'Complete');
  t.regex(Message, new RegExp(`disk-1 still takes .* it is open by qemu-nbd \\(process ${pid}\\)`));
});
