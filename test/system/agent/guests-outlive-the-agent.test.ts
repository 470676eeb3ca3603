import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MistifyClient } from '../../../lib/client/index.js';
import { needs } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';

// Guarantees: G36.

const test = needs('qemu-system-x86_64', 'qemu-img');

/** Creates a guest with a blank disk. Its firmware finds nothing to boot and waits, so the guest stays alive. */
const createGuest = async (client: MistifyClient): Promise<string> => {
  const { jobId, body } = await client.guests.create({ memory: 64, cpu: 1, disks: [{ size: 1 }] });
  await client.waitForJob(jobId);
  return body.id;
};

const pidOf = async (dbpath: string, id: string): Promise<number> =>
  Number(await readFile(join(dbpath, 'run', id, 'pid'), 'utf8'));

test('guests survive SIGKILL of the agent, which reports their true states after a restart', async (t) => {
  const agent = await startRealAgent(t);
  const [alive, killed] = [await createGuest(agent.client), await createGuest(agent.client)];
  await agent.client.guests.perform(alive, 'suspend').then(({ jobId }) => agent.client.waitForJob(jobId));
  const job = (await agent.client.jobs.get((await agent.client.guests.perform(alive, 'resume')).jobId)).ID;
  await agent.client.waitForJob(job);

  await agent.end('SIGKILL');
  const pid = await pidOf(agent.dbpath, alive);
  t.notThrows(() => process.kill(pid, 0), 'the guest went down with the agent');
  process.kill(await pidOf(agent.dbpath, killed), 'SIGKILL');
  await agent.start();

  t.is((await agent.client.guests.get(alive)).state, 'running');
  t.is(await pidOf(agent.dbpath, alive), pid, 'the guest has another process');
  t.is((await agent.client.guests.get(killed)).state, 'crashed');
  t.is((await agent.client.jobs.get(job)).Status, 'Complete', 'the job log has the job');
});

test('guests survive a stop of the agent', async (t) => {
  const agent = await startRealAgent(t);
  const id = await createGuest(agent.client);
  await agent.end('SIGTERM');
  const pid = await pidOf(agent.dbpath, id);
  t.notThrows(() => process.kill(pid, 0));
  await agent.start();
  t.is((await agent.client.guests.get(id)).state, 'running');
});
